import KerasParity
import MIOBase
import MIOConfig
import MIOObjectives
import Testing

/// Losses: value and gradient, of probabilities, of logits, behind their activations, and where they clip.
@Suite struct LossParityTests {
    /// One evaluation: the loss, and its gradient by the predictions.
    private struct Evaluation<T: Scalar> {
        var loss: Double
        var gradient: [T]

        /// - Parameters:
        ///   - weights: one for each position.
        ///   - weightSum: of the weights as they were given.
        init(
            _ given: any Loss, predictions: [T], shape: Shape, targets: [Float], weights: [Double],
            weightSum: Double, labelling: TargetLabelling
        ) {
            let width = shape.last
            let loss = given.fitting(shape)
            let positions = predictions.count / width
            var marks = [UInt8](repeating: LabelMark.none, count: positions)
            let labelledCount = labelling.markLabelled(
                targets: targets, positions: positions, targetWidth: targets.count / positions, into: &marks)
            // A loss that compares sums has fewer numbers than positions: all positions' weights count.
            let denominator = loss.reduction.denominator(
                labelledCount: labelledCount,
                weightSum: loss.sums.count > 0 ? weights.reduce(0, +) : weightSum)
            let scales = weights.map { T($0 / denominator) }
            var losses = [T](repeating: .nan, count: positions)
            gradient = [T](repeating: .nan, count: predictions.count)
            // A function, because the arrays it is given live until it returns.
            func evaluate(
                _ predictions: UnsafePointer<T>, _ targets: UnsafePointer<Float>,
                _ labelled: UnsafePointer<UInt8>, _ scales: UnsafePointer<T>,
                losses: UnsafeMutablePointer<T>, gradient: UnsafeMutablePointer<T>
            ) {
                let sums = Storage<Double>(count: loss.sums.count)
                let call = LossCall(
                    positions: positions, width: width, predictions: predictions, targets: targets,
                    labelled: labelled, missing: labelling.missingNumber, scales: scales, losses: losses,
                    gradient: gradient, sums: sums.pointer)
                if loss.sums.areOfBatch { loss.addSums(call) }
                // 32-bit floats go the way of training.
                if loss.sums.count > 0, !loss.sums.areOfBatch {
                    loss.forwardSampleBySample(
                        call, positionsPerSample: shape.count / width, scratch: sums.pointer,
                        count: loss.sums.count)
                } else if let call = call as? LossCall<Float> {
                    loss.forwardNative(call)
                } else {
                    loss.forward(call)
                }
            }
            evaluate(
                predictions, targets, marks, scales, losses: &losses, gradient: &gradient)
            self.loss = zip(weights, losses).reduce(0) { $0 + $1.0 * Double($1.1) } / denominator
        }
    }

    private func check<T: Scalar>(
        _ golden: Golden, seed: UInt64, _ loss: any Loss, _ type: T.Type, factor: Double, predictions: Tensor,
        targets: [Float], weights: Tensor? = nil, labelling: TargetLabelling = TargetLabelling(.real)
    ) throws {
        let width = predictions.shape.last
        let positions = predictions.values.count / width
        let given = weights?.values.map(Double.init) ?? [Double](repeating: 1, count: positions)
        let repeats = positions / given.count
        let evaluation = Evaluation<T>(
            loss, predictions: predictions.values.map { T($0) },
            shape: Shape(Array(predictions.shape.dimensions.dropFirst())), targets: targets,
            weights: given.flatMap { [Double](repeating: $0, count: repeats) },
            weightSum: given.reduce(0, +), labelling: labelling)
        let value = try Quantity(golden["loss"]).worst([evaluation.loss], factor: factor)
        #expect(value.isWithinTolerance, "\(T.self) \(loss.config.json()): \(value)")
        let gradient = try golden["gradient"].worst(of: evaluation.gradient, seed: seed, factor: factor)
        #expect(gradient.isWithinTolerance, "\(T.self) \(loss.config.json()): \(gradient)")
    }

    @Test func drawnPredictions() throws {
        let golden = try Golden(named: "losses")
        #expect(try golden["drawn"].list.count == 55)
        try checkDrawn(golden)
    }

    /// Some of every class, of shapes and arguments that were drawn.
    @Test func randomArguments() throws {
        let golden = try Golden(random: "losses")
        let classes = try Set(golden["drawn"].list.map { try $0["class"].string })
        #expect(classes == Set(LossRegistry.classNames))
        try checkDrawn(golden)
    }

    /// How many reductions Keras takes. A loss that compares sums over some axes has a value for each place of the others: one
    /// for each sample or one in all takes every reduction, several a sample take weights of places, and none a sample take no
    /// weights.
    private static func reductions(_ configuration: ConfigValue, rank: Int) -> Int {
        guard case .dictionary(let arguments) = configuration, let axes = arguments["axis"],
            ["Dice", "Tversky"].contains(arguments["class"])
        else { return 5 }
        var kept = Set(0..<rank)
        switch axes {
        case .integer(let axis): kept.remove((axis + rank) % rank)
        case .list(let axes):
            for case .integer(let axis) in axes { kept.remove((axis + rank) % rank) }
        default: kept = []
        }
        if kept.isEmpty || kept == [0] { return 5 }
        return kept.contains(0) ? 4 : 3
    }

    private func checkDrawn(_ golden: Golden) throws {
        let seed = UInt64(try golden["seed"].integer)
        let cases = try golden["drawn"].list
        for one in cases {
            let predictions = try one["drawn"]["prediction"].draw(seed: seed)
            let targets = try one["drawn"]["target"].draw(seed: seed).values
            let results = try one["results"].list
            #expect(try results.count == Self.reductions(one.configuration, rank: predictions.shape.rank))
            for result in results {
                guard case .dictionary(var configuration) = try one.configuration else { continue }
                configuration["reduction"] = try result["reduction"].value
                let loss = try LossRegistry.read(
                    .dictionary(configuration), at: ConfigPath(result.place))
                let weights =
                    try result["sample_weight"].isNull
                    ? nil : result["sample_weight"].draw(seed: seed)
                try check(
                    result, seed: seed, loss, Float.self, factor: 1, predictions: predictions,
                    targets: targets, weights: weights)
                try check(
                    result, seed: seed, loss, Double.self, factor: doublePrecision, predictions: predictions,
                    targets: targets, weights: weights)
            }
        }
    }

    /// Rows of which elements are missing: Keras gets each row without them.
    @Test func missingElements() throws {
        let golden = try Golden(named: "losses")
        let seed = UInt64(try golden["seed"].integer)
        let cases = try golden["missing"].list
        #expect(cases.count == 12)
        for one in cases {
            let loss = try LossRegistry.read(one.configuration, at: ConfigPath(one.place))
            let predictions = try one["drawn"]["prediction"].draw(seed: seed)
            let present = try one["present"].numbers
            for missing in [Float.nan, -1e9] {
                let targets = zip(try one["drawn"]["target"].draw(seed: seed).values, present).map {
                    $1 == 0 ? missing : $0
                }
                let weights =
                    try one["sample_weight"].isNull ? nil : one["sample_weight"].draw(seed: seed)
                let labelling = TargetLabelling(.real, missing: missing, isElementwise: loss.isElementwise)
                try check(
                    one, seed: seed, loss, Float.self, factor: 1, predictions: predictions,
                    targets: targets, weights: weights, labelling: labelling)
                try check(
                    one, seed: seed, loss, Double.self, factor: doublePrecision, predictions: predictions,
                    targets: targets, weights: weights, labelling: labelling)
            }
        }
    }

    /// Up to saturated logits: the loss takes them, and nothing is clipped.
    @Test func behindTheirActivations() throws {
        let golden = try Golden(named: "losses")
        let cases = try golden["heads"].list
        #expect(cases.count == 3)
        for one in cases {
            let loss = try LossRegistry.read(one["class"].value, at: ConfigPath(one.place))
            let activation = try one["activation"].string
            #expect(loss.absorbs?.rawValue == activation)
            let logits = try tensor(one["logits"])
            let targets = try one["target"].numbers.map { Float($0) }
            try check(
                one, seed: 0, loss.readingLogits(), Float.self, factor: 1, predictions: logits,
                targets: targets)
            try check(
                one, seed: 0, loss.readingLogits(), Double.self, factor: doublePrecision, predictions: logits,
                targets: targets)
        }
    }

    /// Predictions of exactly 0 and 1.
    @Test func clippedProbabilities() throws {
        let golden = try Golden(named: "losses")
        let cases = try golden["clipped"].list
        #expect(cases.count == 3)
        for one in cases {
            let loss = try LossRegistry.read(one["class"].value, at: ConfigPath(one.place))
            let predictions = try tensor(one["prediction"])
            let targets = try one["target"].numbers.map { Float($0) }
            try check(
                one, seed: 0, loss, Float.self, factor: 1, predictions: predictions, targets: targets)
            // Not tighter: Keras on TensorFlow clips before it normalizes, which moves this by 1e-7 (JAX as here).
            try check(
                one, seed: 0, loss, Double.self, factor: 1, predictions: predictions, targets: targets)
        }
    }

    private func tensor(_ golden: Golden) throws -> Tensor {
        Tensor(shape: Shape(try golden.extents), values: try golden.numbers.map { Float($0) })
    }
}
