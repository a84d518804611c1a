import MIOBase
import MIOConfig
import MIOObjectives
import Testing

/// A metric and what its predictions look like; targets are of every kind that it takes.
struct MetricSample: Sendable, CustomTestStringConvertible {
    let className: String
    let arguments: String
    let predictions: ClosedRange<Float>
    let targets: [Targets]

    /// - Parameters:
    ///   - arguments: as a job file has them.
    ///   - predictions: where they lie.
    ///   - targets: what to try; those count that the metric takes.
    init(
        _ className: String, _ arguments: String, predictions: ClosedRange<Float> = 0...1,
        targets: [Targets] = [.yesOrNo, .shares, .classes]
    ) {
        self.className = className
        self.arguments = arguments
        self.predictions = predictions
        self.targets = targets
    }

    var testDescription: String { "\(className) \(arguments)" }

    /// A line or more for each class of `MetricRegistry`.
    static let samples = [
        MetricSample("Accuracy", "{}"),
        MetricSample("AUC", "{num_thresholds: 20}", targets: [.yesOrNo]),
        MetricSample("AUC", "{num_thresholds: 20, curve: PR}", targets: [.yesOrNo]),
        MetricSample("BinaryCrossentropy", "{}", predictions: 0.1...0.9, targets: [.yesOrNo]),
        MetricSample("BinaryIoU", "{}", targets: [.yesOrNo]),
        MetricSample("CategoricalCrossentropy", "{}", predictions: 0.1...0.9),
        MetricSample("CategoricalHinge", "{}"),
        MetricSample("CosineSimilarity", "{}", predictions: -2...2, targets: [.numbers(-2...2)]),
        MetricSample("F1Score", "{average: macro}", targets: [.yesOrNo, .shares]),
        MetricSample("FBetaScore", "{beta: 2, threshold: 0.5}", targets: [.yesOrNo, .shares]),
        MetricSample("FalseNegatives", "{}", targets: [.yesOrNo]),
        MetricSample("FalsePositives", "{}", targets: [.yesOrNo]),
        MetricSample("Hinge", "{}", targets: [.yesOrNo]),
        MetricSample("IoU", "{num_classes: 2, target_class_ids: [0]}", targets: [.yesOrNo, .classes]),
        MetricSample("KLDivergence", "{}", predictions: 0.1...0.9, targets: [.shares]),
        MetricSample("LogCoshError", "{}", predictions: -2...2, targets: [.numbers(-2...2)]),
        MetricSample("MeanAbsolutePercentageError", "{}", predictions: -2...2, targets: [.numbers(1...2)]),
        MetricSample("MeanIoU", "{num_classes: 2}", targets: [.yesOrNo, .classes]),
        MetricSample("MeanSquaredLogarithmicError", "{}", predictions: 0.1...2, targets: [.numbers(0.1...2)]),
        MetricSample("OneHotIoU", "{num_classes: 5, target_class_ids: [0]}", targets: [.shares]),
        MetricSample("OneHotMeanIoU", "{num_classes: 5}", targets: [.shares]),
        MetricSample("Poisson", "{}", predictions: 0.1...2, targets: [.numbers(0.1...2)]),
        MetricSample("Precision", "{thresholds: [0.3, 0.6]}", targets: [.yesOrNo]),
        MetricSample("PrecisionAtRecall", "{recall: 0.5, num_thresholds: 20}", targets: [.yesOrNo]),
        MetricSample("R2Score", "{}", predictions: -2...2, targets: [.numbers(-2...2)]),
        MetricSample("Recall", "{}", targets: [.yesOrNo]),
        MetricSample("RecallAtPrecision", "{precision: 0.5, num_thresholds: 20}", targets: [.yesOrNo]),
        MetricSample(
            "SensitivityAtSpecificity", "{specificity: 0.5, num_thresholds: 20}", targets: [.yesOrNo]),
        MetricSample("SparseCategoricalCrossentropy", "{}", predictions: 0.1...0.9),
        MetricSample(
            "SpecificityAtSensitivity", "{sensitivity: 0.5, num_thresholds: 20}", targets: [.yesOrNo]),
        MetricSample("SquaredHinge", "{}", targets: [.yesOrNo]),
        MetricSample("TrueNegatives", "{}", targets: [.yesOrNo]),
        MetricSample("TruePositives", "{thresholds: 0.4}", targets: [.yesOrNo]),
        MetricSample("BinaryAccuracy", "{threshold: 0.4, name: answers}"),
        MetricSample("BoxIoU", "{box_format: xywh}", targets: [.numbers(0...1)]),
        MetricSample("BoxIoU", "{box_format: xyxy}", targets: [.numbers(0...1)]),
        MetricSample("BoxIoU", "{box_format: center_xywh}", targets: [.numbers(0...1)]),
        MetricSample("CategoricalAccuracy", "{}"),
        MetricSample("MeanAbsoluteError", "{name: mae}", predictions: -2...2, targets: [.numbers(-2...2)]),
        MetricSample("MeanSquaredError", "{}", predictions: -2...2, targets: [.numbers(-2...2)]),
        MetricSample("RootMeanSquaredError", "{}", predictions: -2...2, targets: [.numbers(-2...2)]),
        MetricSample("SparseCategoricalAccuracy", "{}"),
        MetricSample("SparseTopKCategoricalAccuracy", "{k: 2}"),
        MetricSample("TopKCategoricalAccuracy", "{k: 3, name: top3}"),
    ]

    func metric() throws -> any Metric {
        try MetricRegistry.read(try named(className, arguments), at: example)
    }
}

/// What every metric of `MetricRegistry` promises.
@Suite struct MetricTests {
    @Test func everyClassHasASample() {
        expectLines(
            "MetricRegistry", registered: MetricRegistry.classNames,
            sampled: MetricSample.samples.map(\.className),
            line: { "MetricSample(\"\($0)\", \"{}\")" }, file: "MetricTests.swift")
    }

    /// A metric on rows of a width with targets of a kind, all of which it takes.
    struct Case: Sendable, CustomTestStringConvertible {
        let sample: MetricSample
        let width: Int
        let targets: Targets
        var testDescription: String { "\(sample.testDescription), rows of \(width), \(targets)" }

        static let all: [Case] = MetricSample.samples.flatMap { sample -> [Case] in
            guard let metric = try? sample.metric() else { return [] }
            return rowWidths.flatMap { width in
                sample.targets.compactMap { targets in
                    (try? metric.check(prediction: [width], targetKind: targets.kind)) == nil
                        ? nil : Case(sample: sample, width: width, targets: targets)
                }
            }
        }

        var values: Values { Values(self) }
    }

    @Test func everySampleTakesARow() {
        for sample in MetricSample.samples {
            #expect(
                Case.all.contains { $0.sample.testDescription == sample.testDescription },
                "\(sample.testDescription) takes none of its targets in rows of \(rowWidths)")
        }
    }

    /// The arrays of a call.
    struct Values {
        let width: Int
        let targetKind: TargetKind
        var positions = 35
        var predictions: [Float]
        var targets: [Float]
        var labelled: [UInt8]
        var weights: [Float]?

        init(_ test: Case) {
            width = test.width
            targetKind = test.targets.kind
            predictions = Numbers.uniform(positions * width, "scores", in: test.sample.predictions).floats
            targets = test.targets.values(positions: positions, width: width)
            labelled = (0..<positions).map { $0 % 4 == 2 ? LabelMark.none : LabelMark.whole }
            for position in 0..<positions where labelled[position] == LabelMark.none {
                clear(position)
            }
        }

        private var targetWidth: Int { targets.count / max(positions, 1) }

        /// What must not be read.
        mutating func clear(_ position: Int) {
            for index in 0..<width { predictions[position * width + index] = .nan }
            let targetWidth = targetWidth
            for index in 0..<targetWidth { targets[position * targetWidth + index] = .nan }
        }

        func part(_ range: Range<Int>) -> Values {
            var part = self
            part.positions = range.count
            part.predictions = predictions.samples(range, of: positions)
            part.targets = targets.samples(range, of: positions)
            part.labelled = Array(labelled[range])
            part.weights = weights.map { Array($0[range]) }
            return part
        }

        /// Rows after one another.
        static func + (a: Values, b: Values) -> Values {
            var both = a
            both.positions += b.positions
            both.predictions += b.predictions
            both.targets += b.targets
            both.labelled += b.labelled
            both.weights = a.weights.flatMap { first in b.weights.map { first + $0 } }
            return both
        }

        func sums(_ metric: any Metric, fast: Bool) -> Sums {
            let (predictions, targets) = (Memory(predictions), Memory(targets))
            let weights = weights.map { Memory($0) }
            let labelled = labelled + [LabelMark.whole]
            return labelled.withUnsafeBufferPointer {
                let call = MetricCall(
                    positions: positions, width: width, targetKind: targetKind,
                    predictions: predictions.reading, targets: targets.reading, labelled: $0.baseAddress!,
                    weights: weights?.reading)
                return withExtendedLifetime((predictions, targets, weights)) {
                    if let mean = metric as? any MeanMetric {
                        let sums = fast ? mean.accumulateNative(call) : mean.accumulate(call)
                        return Sums(numbers: [sums.sum, sums.count], shape: [width])
                    }
                    var numbers = [Double](repeating: 0, count: metric.sumCount(prediction: [width]))
                    metric.add(call, to: &numbers)
                    return Sums(numbers: numbers, shape: [width])
                }
            }
        }
    }

    /// What a metric adds up of predictions of a shape.
    struct Sums: Equatable {
        var numbers: [Double]
        let shape: Shape

        static func + (a: Sums, b: Sums) -> Sums {
            Sums(numbers: zip(a.numbers, b.numbers).map { $0 + $1 }, shape: a.shape)
        }

        /// The metric's numbers.
        func values(_ metric: any Metric) -> [Double] {
            var values = [Double](repeating: 0, count: metric.valueNames(prediction: shape).count)
            metric.write(numbers, prediction: shape, to: &values)
            return values
        }

        static func none(_ metric: any Metric, width: Int) -> Sums {
            Sums(
                numbers: [Double](repeating: 0, count: metric.sumCount(prediction: [width])), shape: [width])
        }
    }

    private func expectEqual(
        _ metric: any Metric, _ a: Sums, _ b: Sums, _ what: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        // The same terms in another order.
        let (a, b) = (a.values(metric), b.values(metric))
        #expect(
            zip(a, b).allSatisfy { abs($0 - $1) <= 256 * .ulpOfOne * max(1, abs($1)) },
            "\(what): \(a), expected \(b)", sourceLocation: sourceLocation)
    }

    @Test(arguments: Case.all) func theFastMethodAgreesWithThePlainOne(_ test: Case) throws {
        let metric = try test.sample.metric()
        var values = test.values
        for weights in [nil, Numbers.uniform(values.positions, "weights", in: 0...2).floats] {
            values.weights = weights
            let sums = values.sums(metric, fast: true)
            #expect(sums.values(metric).allSatisfy { $0.isFinite })
            expectEqual(metric, sums, values.sums(metric, fast: false), "fast")
        }
    }

    /// What ranks and passes add up is what one call finds.
    @Test(arguments: Case.all, [false, true]) func partsAddUp(_ test: Case, fast: Bool) throws {
        let metric = try test.sample.metric()
        var values = test.values
        values.weights = Numbers.uniform(values.positions, "weights", in: 0...2).floats
        let whole = values.sums(metric, fast: fast)
        for cut in [[0..<1, 1..<35], [0..<17, 17..<17, 17..<35], [0..<35, 35..<35]] {
            let sum = cut.reduce(Sums.none(metric, width: test.width)) {
                $0 + values.part($1).sums(metric, fast: fast)
            }
            expectEqual(metric, sum, whole, "cut into \(cut)")
        }
        let each = (0..<35).reduce(Sums.none(metric, width: test.width)) {
            $0 + values.part($1..<$1 + 1).sums(metric, fast: fast)
        }
        expectEqual(metric, each, whole, "row by row")
    }

    /// Nothing is read of rows without a label, and nothing counts where nothing has one.
    @Test(arguments: Case.all, [false, true]) func rowsWithoutALabelAreLeftOut(_ test: Case, fast: Bool)
        throws
    {
        let metric = try test.sample.metric()
        let values = test.values
        let labelled = (0..<values.positions).filter { values.labelled[$0] != LabelMark.none }
        let short = labelled.dropFirst().reduce(values.part(labelled[0]..<labelled[0] + 1)) {
            $0 + values.part($1..<$1 + 1)
        }
        expectEqual(metric, values.sums(metric, fast: fast), short.sums(metric, fast: fast), "labelled rows")
        let none = Sums.none(metric, width: test.width)
        #expect(values.part(2..<3).sums(metric, fast: fast).values(metric) == none.values(metric))
        #expect(values.part(0..<0).sums(metric, fast: fast) == none)
        #expect(none.values(metric).allSatisfy { $0.isFinite })
    }

    /// A row of weight 2 is a row that is there twice, a row of weight 0 is not there.
    @Test(arguments: Case.all, [false, true]) func weightsCountRows(_ test: Case, fast: Bool) throws {
        let metric = try test.sample.metric()
        var values = test.values
        let once = (0..<values.positions).map { Float($0 % 3) }
        let indices = (0..<values.positions).flatMap { [Int](repeating: $0, count: $0 % 3) }
        let repeated = indices.dropFirst().reduce(values.part(indices[0]..<indices[0] + 1)) {
            $0 + values.part($1..<$1 + 1)
        }
        values.weights = once
        expectEqual(metric, values.sums(metric, fast: fast), repeated.sums(metric, fast: fast), "weighted")
    }

    // MARK: Arguments and documentation

    @Test(arguments: MetricSample.samples) func configurationsAreReadAsTheyAreWritten(_ sample: MetricSample)
        throws
    {
        try checkConfiguration(try named(sample.className, sample.arguments).asMapping) {
            try MetricRegistry.read(.dictionary($0), at: example).config.asMapping
        }
        let type = type(of: try sample.metric())
        for name in type.names + [type.className] {
            // One that must be told something cannot be named alone.
            let metric = try readByName(name, sample.arguments) {
                try MetricRegistry.read(.string(name), at: example)
            }
            guard let metric else { continue }
            #expect(metric.name == name && metric.config.asMapping["class"] == .string(sample.className))
        }
    }

    @Test(arguments: MetricSample.samples) func theyAreDocumented(_ sample: MetricSample) throws {
        let keys = try Pages.keys { _ = try sample.metric() }
        try Pages.expectSection(
            type(of: try sample.metric()).names[0], keys: keys.filter { !["class", "name"].contains($0) },
            in: "metrics.md")
    }
}
