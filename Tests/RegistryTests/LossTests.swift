import MIOBase
import MIOConfig
import MIOGraph
import MIOObjectives
import Testing

/// A loss and what its predictions and targets look like.
struct LossSample: Sendable, CustomTestStringConvertible {
    let className: String
    let arguments: String
    private let givenPredictions: ClosedRange<Float>?
    private let givenTargets: Targets?

    /// - Parameters:
    ///   - arguments: as a job file has them.
    ///   - predictions: where they lie, off every clipping; by default probabilities if targets are classes or answers, else
    ///     from −2 to 2.
    ///   - targets: by default what the loss says that they are.
    init(
        _ className: String, _ arguments: String, predictions: ClosedRange<Float>? = nil,
        targets: Targets? = nil
    ) {
        self.className = className
        self.arguments = arguments
        givenPredictions = predictions
        givenTargets = targets
    }

    var testDescription: String { "\(className) \(arguments)" }

    /// A line or more for each class of `LossRegistry`.
    static let samples = [
        LossSample("BinaryCrossentropy", "{}"),
        LossSample("BinaryCrossentropy", "{label_smoothing: 0.1}"),
        LossSample("BinaryCrossentropy", "{label_smoothing: 1}", targets: .numbers(0...1)),
        LossSample("BinaryCrossentropy", "{from_logits: true, reduction: sum}"),
        LossSample("CategoricalCrossentropy", "{}"),
        LossSample("CategoricalCrossentropy", "{label_smoothing: 0.2}"),
        LossSample("CategoricalCrossentropy", "{label_smoothing: 1}"),
        LossSample("CategoricalCrossentropy", "{from_logits: true}"),
        LossSample("BinaryFocalCrossentropy", "{apply_class_balancing: true}"),
        LossSample("BinaryFocalCrossentropy", "{from_logits: true, gamma: 1, label_smoothing: 0.1}"),
        LossSample("CategoricalFocalCrossentropy", "{}"),
        LossSample("CategoricalGeneralizedCrossEntropy", "{}"),
        LossSample("CategoricalHinge", "{}"),
        LossSample("CosineSimilarity", "{}"),
        LossSample("Dice", "{axis: -1}", predictions: 0.1...0.9, targets: .numbers(0...1)),
        LossSample("Dice", "{axis: [1], reduction: sum}", predictions: 0.1...0.9, targets: .numbers(0...1)),
        LossSample("Hinge", "{}"),
        LossSample("Huber", "{delta: 0.5}"),
        LossSample("KLDivergence", "{}"),
        LossSample("LogCosh", "{}"),
        LossSample("MeanAbsolutePercentageError", "{}", targets: .numbers(1...2)),
        LossSample("MeanSquaredLogarithmicError", "{}", predictions: 0.1...2, targets: .numbers(0.1...2)),
        LossSample("Pinball", "{quantiles: 0.25}"),
        LossSample("Poisson", "{}", predictions: 0.1...2, targets: .numbers(0.1...2)),
        LossSample("SquaredHinge", "{}"),
        LossSample(
            "Tversky", "{alpha: 0.3, beta: 0.9, axis: 1}", predictions: 0.1...0.9, targets: .numbers(0.1...1)),
        LossSample("WeightedBinaryCrossentropy", "{positive_weight: 3}"),
        LossSample("MeanAbsoluteError", "{reduction: sum}"),
        LossSample("MeanSquaredError", "{reduction: mean_with_sample_weight}"),
        LossSample("SparseCategoricalCrossentropy", "{}"),
        LossSample("SparseCategoricalCrossentropy", "{from_logits: true}"),
    ]

    func loss() throws -> any Loss {
        try LossRegistry.read(try named(className, arguments), at: example)
    }

    func targets(of loss: any Loss) -> Targets {
        if let givenTargets { return givenTargets }
        return switch loss.targetKind {
        case .classIndex: .classes
        case .classShares: .shares
        case .shared: .oneForAll(-2...2)
        case .real: loss.hasClassLabels ? .yesOrNo : .numbers(-2...2)
        }
    }

    func predictions(of loss: any Loss) -> ClosedRange<Float> {
        if let givenPredictions { return givenPredictions }
        let areProbabilities = loss.targetKind != .real || loss.hasClassLabels
        return areProbabilities && !loss.fromLogits ? 0.1...0.9 : -2...2
    }

    /// The widths of rows that the loss takes.
    func widths(_ loss: any Loss) -> [Int] {
        rowWidths.filter { (try? loss.targetShape(forPrediction: [$0])) != nil }
    }
}

/// The arrays of a call of a loss.
struct LossValues {
    var positions: Int
    var width: Int
    var predictions: [Double]
    var targets: [Float]
    var labelled: [UInt8]
    var scales: [Double]
    var missing: Float = .nan

    init(_ sample: LossSample, _ loss: any Loss, positions: Int, width: Int) {
        self.positions = positions
        self.width = width
        predictions = Numbers.uniform(
            positions * width, "predictions of \(width)", in: sample.predictions(of: loss))
        targets = sample.targets(of: loss).values(positions: positions, width: width)
        labelled = [UInt8](repeating: LabelMark.whole, count: positions)
        scales = Numbers.uniform(positions, "scales", in: 0.25...2)
    }

    func part(_ range: Range<Int>) -> LossValues {
        var part = self
        part.positions = range.count
        part.predictions = predictions.samples(range, of: positions)
        part.targets = targets.samples(range, of: positions)
        part.labelled = Array(labelled[range])
        part.scales = Array(scales[range])
        return part
    }
}

struct LossOutcome<T: Scalar> {
    var losses: [T]
    var gradient: [T]
    var probabilities: [T]
}

extension Loss {
    /// - Parameters:
    ///   - fast: whether to run the method that training calls; of 32-bit floats.
    ///   - losesAlone: whether to ask for nothing else.
    func run<T: Scalar>(
        _ values: LossValues, in _: T.Type, fast: Bool = false, lossesAlone: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> LossOutcome<T> {
        let predictions = Memory(values.predictions.map { T($0) })
        let scales = Memory(values.scales.map { T($0) })
        let targets = Memory(values.targets)
        let losses = Memory<T>(count: values.positions)
        let gradient = Memory<T>(count: values.predictions.count)
        let probabilities = Memory<T>(count: values.predictions.count)
        // Each row is a sample.
        let loss = fitting([values.width])
        let sums = Memory<Double>(count: loss.sums.count)
        values.labelled.withUnsafeBufferPointer { labelled in
            let none: [UInt8] = [0]
            none.withUnsafeBufferPointer { none in
                let call = LossCall<T>(
                    positions: values.positions, width: values.width, predictions: predictions.reading,
                    targets: targets.reading, labelled: labelled.baseAddress ?? none.baseAddress!,
                    missing: values.missing, scales: scales.reading, losses: losses.pointer,
                    gradient: lossesAlone ? nil : gradient.pointer,
                    probabilities: lossesAlone ? nil : probabilities.pointer)
                if loss.sums.count > 0 {
                    loss.forwardSampleBySample(
                        call, positionsPerSample: 1, scratch: sums.pointer, count: loss.sums.count)
                } else if fast, let call = call as? LossCall<Float> {
                    loss.forwardNative(call)
                } else {
                    loss.forward(call)
                }
            }
        }
        #expect(
            predictions.isIntact && scales.isIntact && targets.isIntact && losses.isIntact
                && gradient.isIntact && probabilities.isIntact && sums.isIntact,
            "a call of \(values.positions) rows of \(values.width) writes beside its arrays",
            sourceLocation: sourceLocation)
        return LossOutcome(
            losses: losses.values, gradient: gradient.values, probabilities: probabilities.values)
    }
}

/// What every loss of `LossRegistry` promises.
@Suite struct LossTests {
    @Test func everyClassHasASample() {
        expectLines(
            "LossRegistry", registered: LossRegistry.classNames, sampled: LossSample.samples.map(\.className),
            line: { "LossSample(\"\($0)\", \"{}\")" }, file: "LossTests.swift")
    }

    /// A loss on rows of a width, of what its output predicts and of logits if it likes those better.
    struct Case: Sendable, CustomTestStringConvertible {
        let sample: LossSample
        let width: Int
        let ofLogits: Bool
        var testDescription: String {
            "\(sample.testDescription), rows of \(width)\(ofLogits ? ", of logits" : "")"
        }

        static let all: [Case] = LossSample.samples.flatMap { sample -> [Case] in
            guard let loss = try? sample.loss() else { return [] }
            return sample.widths(loss).flatMap { width in
                (loss.absorbs == nil ? [false] : [false, true]).map {
                    Case(sample: sample, width: width, ofLogits: $0)
                }
            }
        }

        func loss() throws -> any Loss {
            let loss = try sample.loss()
            return ofLogits ? loss.readingLogits() : loss
        }

        /// Rows that end in the middle of vectors.
        func values(_ loss: any Loss, positions: Int? = nil) -> LossValues {
            LossValues(sample, loss, positions: positions ?? (width == 1 ? 37 : 7), width: width)
        }
    }

    @Test func everySampleTakesARow() throws {
        for sample in LossSample.samples {
            #expect(!sample.widths(try sample.loss()).isEmpty, "\(sample.testDescription) takes no row")
        }
    }

    @Test(arguments: Case.all) func gradientsAreDerivatives(_ test: Case) throws {
        let loss = try test.loss()
        let values = test.values(loss)
        let outcome = loss.run(values, in: Double.self)
        var derivatives = Derivatives()
        for position in 0..<values.positions {
            let row = values.part(position..<position + 1)
            derivatives.compare(
                "row \(position)", at: row.predictions,
                gradient: outcome.gradient.samples(position..<position + 1, of: values.positions)
            ) { moved in
                var row = row
                row.predictions = moved
                let value = row.scales[0] * loss.run(row, in: Double.self, lossesAlone: true).losses[0]
                return (value, abs(value))
            }
        }
        derivatives.expectAgreement("gradient")
    }

    /// A position's gradient is proportional to its scale.
    @Test(arguments: Case.all) func scalesMultiplyGradients(_ test: Case) throws {
        let loss = try test.loss()
        var values = test.values(loss)
        let once = loss.run(values, in: Float.self, fast: true)
        values.scales = values.scales.map { 4 * $0 }
        let fourTimes = loss.run(values, in: Float.self, fast: true)
        #expect(fourTimes.gradient == once.gradient.map { 4 * $0 })
        #expect(fourTimes.losses == once.losses)
        values.scales = values.scales.map { _ in 0 }
        #expect(loss.run(values, in: Float.self, fast: true).gradient.allSatisfy { $0 == 0 })
    }

    /// Both methods of 32-bit floats, against double precision.
    @Test(arguments: Case.all, [false, true]) func floatsAgreeWithDoubles(_ test: Case, fast: Bool) throws {
        let loss = try test.loss()
        var values = test.values(loss)
        values.labelled[values.positions / 2] = LabelMark.none
        values.predictions = values.predictions.floats.doubles
        values.scales = values.scales.floats.doubles
        let floats = loss.run(values, in: Float.self, fast: fast)
        let doubles = loss.run(values, in: Double.self)
        // Of probabilities down to 0.1 a quotient is ten times as sensitive.
        func expectAlike(_ float: [Float], _ double: [Double], _ what: String) {
            let fault = difference(
                float, double, within: rounding(8 * (8 + test.width), double.largest))
            #expect(fault == nil, "\(what): \(fault ?? "")")
        }
        expectAlike(floats.losses, doubles.losses, "losses")
        expectAlike(floats.gradient, doubles.gradient, "gradient")
        expectAlike(floats.probabilities, doubles.probabilities, "probabilities")
        // What is not asked for changes nothing.
        let alone = loss.run(values, in: Float.self, fast: fast, lossesAlone: true)
        #expect(alone.losses == floats.losses)
        // Only losses of logits know probabilities.
        #expect(loss.fromLogits || floats.probabilities.allSatisfy { $0.isNaN })
    }

    /// The loss of f(x) is that of the logits x, for the activation f that it takes off an output.
    @Test(arguments: Case.all.filter(\.ofLogits)) func lossesOfLogitsAreThoseOfTheActivation(_ test: Case)
        throws
    {
        let (direct, ofLogits) = (try test.sample.loss(), try test.loss())
        let activation = try #require(direct.absorbs)
        var values = test.values(ofLogits)
        let logits = ofLogits.run(values, in: Double.self)
        values.predictions.withUnsafeMutableBufferPointer {
            activation.apply($0.baseAddress!, rows: values.positions, width: test.width)
        }
        let outcome = direct.run(values, in: Double.self)
        let fault = difference(outcome.losses, logits.losses, within: 1024 * .ulpOfOne)
        #expect(fault == nil, "losses: \(fault ?? "")")
        let probabilities = difference(
            logits.probabilities, values.predictions, within: 64 * .ulpOfOne)
        #expect(probabilities == nil, "probabilities: \(probabilities ?? "")")
    }

    /// Rows without a label have no loss and no gradient, whatever they predict, and change no other row.
    @Test(arguments: Case.all, [false, true]) func rowsWithoutALabelAreLeftOut(_ test: Case, fast: Bool)
        throws
    {
        let loss = try test.loss()
        var values = test.values(loss)
        let all = loss.run(values, in: Float.self, fast: fast)
        let unlabelled = (0..<values.positions).filter { $0 % 3 == 1 }
        for position in unlabelled {
            values.labelled[position] = LabelMark.none
            let targets = values.targets.count / values.positions
            for index in 0..<targets { values.targets[position * targets + index] = .nan }
            for index in 0..<test.width { values.predictions[position * test.width + index] = .nan }
        }
        let some = loss.run(values, in: Float.self, fast: fast)
        for position in 0..<values.positions {
            let gradient = some.gradient.samples(position..<position + 1, of: values.positions)
            if unlabelled.contains(position) {
                #expect(some.losses[position] == 0 && gradient.allSatisfy { $0 == 0 }, "row \(position)")
            } else {
                #expect(
                    some.losses[position] == all.losses[position]
                        && gradient == all.gradient.samples(position..<position + 1, of: values.positions),
                    "row \(position) has changed")
            }
        }
    }

    /// Of a loss that goes element by element, a row with missing elements is the shorter row without them.
    @Test(arguments: Case.all.filter { $0.width > 1 }, [false, true])
    func missingElementsAreLeftOut(_ test: Case, fast: Bool) throws {
        let loss = try test.loss()
        guard loss.isElementwise else { return }
        for missing: Float in [.nan, -7] {
            var values = test.values(loss)
            values.missing = missing
            let kept = (0..<test.width).filter { $0 % 3 != 0 || $0 == test.width - 1 && $0 != 0 }
            for position in 0..<values.positions where position != 1 {
                values.labelled[position] = LabelMark.part
                for index in 0..<test.width where !kept.contains(index) {
                    values.targets[position * test.width + index] = missing
                    values.predictions[position * test.width + index] = .nan
                }
            }
            let found = loss.run(values, in: Float.self, fast: fast)
            for position in 0..<values.positions where position != 1 {
                var short = values.part(position..<position + 1)
                short.width = kept.count
                short.predictions = kept.map { short.predictions[$0] }
                short.targets = kept.map { short.targets[$0] }
                short.labelled = [LabelMark.whole]
                let expected = loss.run(short, in: Double.self)
                let tolerance = rounding(8 * (8 + test.width), 1)
                #expect(
                    abs(Double(found.losses[position]) - expected.losses[0]) <= tolerance
                        * max(1, abs(expected.losses[0])))
                let gradient = found.gradient.samples(position..<position + 1, of: values.positions)
                let fault = difference(
                    kept.map { gradient[$0] }, expected.gradient,
                    within: tolerance * max(1, expected.gradient.largest))
                #expect(fault == nil, "row \(position): \(fault ?? "")")
                #expect(gradient.indices.allSatisfy { kept.contains($0) || gradient[$0] == 0 })
            }
        }
    }

    /// A row alone has the loss that it has among others; no rows have none.
    @Test(arguments: Case.all) func rowsDoNotMix(_ test: Case) throws {
        let loss = try test.loss()
        let values = test.values(loss)
        let whole = loss.run(values, in: Float.self)
        let fast = loss.run(values, in: Float.self, fast: true)
        for position in 0..<values.positions {
            let row = values.part(position..<position + 1)
            let alone = loss.run(row, in: Float.self)
            let gradient = whole.gradient.samples(position..<position + 1, of: values.positions)
            #expect(
                alone.losses[0] == whole.losses[position] && alone.gradient == gradient, "row \(position)")
            let fastAlone = loss.run(row, in: Float.self, fast: true)
            #expect(
                abs(fastAlone.losses[0] - fast.losses[position])
                    <= Float(rounding(8 + test.width, Double(abs(fast.losses[position])))), "row \(position)")
        }
        for fast in [false, true] {
            let none = loss.run(values.part(0..<0), in: Float.self, fast: fast)
            #expect(none.losses.isEmpty && none.gradient.isEmpty)
        }
    }

    /// What is no number in one row is seen in its loss, and in no other's.
    @Test(arguments: Case.all, [false, true]) func whatIsNoNumberIsNotHidden(_ test: Case, fast: Bool) throws
    {
        let loss = try test.loss()
        var values = test.values(loss)
        let place = test.width / 2
        // Of class indices, a loss of probabilities may read that of the class alone.
        values.predictions[test.width + place] = .nan
        if values.targets.count == values.positions, loss.targetKind == .classIndex {
            values.targets[1] = Float(place)
        }
        let outcome = loss.run(values, in: Float.self, fast: fast)
        #expect(outcome.losses[1].isNaN)
        #expect(outcome.losses.enumerated().allSatisfy { $0 == 1 || $1.isFinite })
    }

    // MARK: Arguments and documentation

    @Test(arguments: LossSample.samples) func configurationsAreReadAsTheyAreWritten(_ sample: LossSample)
        throws
    {
        try checkConfiguration(try named(sample.className, sample.arguments).asMapping) {
            try LossRegistry.read(.dictionary($0), at: example).config.asMapping
        }
        let type = type(of: try sample.loss())
        for name in type.names + [type.className] {
            let loss = try readByName(name, sample.arguments) {
                try LossRegistry.read(.string(name), at: example)
            }
            guard let loss else { continue }
            #expect(loss.config.asMapping["class"] == .string(sample.className))
        }
    }

    @Test(arguments: LossSample.samples) func theyAreDocumented(_ sample: LossSample) throws {
        let keys = try Pages.keys { _ = try sample.loss() }
        try Pages.expectSection(
            type(of: try sample.loss()).names[0], keys: keys.filter { $0 != "class" }, in: "losses.md")
    }
}
