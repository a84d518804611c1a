import MIOBase
import MIOConfig
import MIOGraph
import MIOObjectives
import Testing

/// `Dice` and `Tversky`: regions, values by hand, gradients over whole batches.
@Suite struct OverlapLossTests {
    /// A loss on samples that are a whole batch.
    private struct Run<T: Scalar> {
        var losses: [T]
        var gradient: [T]
        var total = 0.0

        init(
            _ loss: any Loss, shape: Shape, predictions: [T], targets: [Float], labelled: [UInt8]? = nil,
            scales: [T]? = nil
        ) {
            let fitted = loss.fitting(shape)
            let width = shape.last
            let positions = predictions.count / width
            losses = [T](repeating: .nan, count: positions)
            gradient = [T](repeating: .nan, count: predictions.count)
            let marks = labelled ?? [UInt8](repeating: LabelMark.whole, count: positions)
            let factors = scales ?? [T](repeating: 1, count: positions)
            let sums = Storage<Double>(count: fitted.sums.count)
            func evaluate(
                _ predictions: UnsafePointer<T>, _ targets: UnsafePointer<Float>,
                _ labelled: UnsafePointer<UInt8>, _ scales: UnsafePointer<T>,
                losses: UnsafeMutablePointer<T>, gradient: UnsafeMutablePointer<T>
            ) {
                let call = LossCall(
                    positions: positions, width: width, predictions: predictions, targets: targets,
                    labelled: labelled, scales: scales, losses: losses, gradient: gradient, sums: sums.pointer
                )
                if fitted.sums.areOfBatch {
                    fitted.addSums(call)
                    fitted.forward(call)
                } else {
                    fitted.forwardSampleBySample(
                        call, positionsPerSample: shape.count / width, scratch: sums.pointer,
                        count: fitted.sums.count)
                }
            }
            evaluate(predictions, targets, marks, factors, losses: &losses, gradient: &gradient)
            total = fitted.sums.areOfBatch ? fitted.total(ofSums: sums.pointer) : 0
        }
    }

    /// Keras' own example: images of 2 × 2, (1, 2, 3) and everything.
    @Test func keraExample() {
        let targets: [Float] = [1, 1, 0, 0, 1, 1, 0, 0]
        let predictions: [Double] = [0, 1, 0, 1, 0.4, 0, 0, 0.9]
        let ofImages = Run(
            Dice(axis: [1, 2, 3]), shape: [2, 2, 1], predictions: predictions, targets: targets)
        for (loss, expected) in zip(
            ofImages.losses, [0.5, 0.5, 0.5, 0.5] + [Double](repeating: 0.75757575, count: 4))
        {
            #expect(abs(loss - expected) < 1e-7)
        }
        let ofAll = Run(Dice(), shape: [2, 2, 1], predictions: predictions, targets: targets)
        for loss in ofAll.losses { #expect(abs(loss - 0.6164384) < 1e-7) }
    }

    static let axes: [[Int]?] = [
        nil, [0], [1], [2], [3], [0, 1], [0, 3], [1, 2], [0, 1, 2], [1, 2, 3], [-1, -2], [1, 3],
    ]

    /// Sum of scale × loss against central differences, with weights, missing rows and missing elements.
    @Test(arguments: axes, [LossReduction.sumOverBatchSize, .sum])
    func gradientsAreDerivatives(axis: [Int]?, reduction: LossReduction) {
        let (shape, samples): (Shape, Int) = ([2, 3, 2], 3)
        var random = PhiloxSequence(seed: 4, stream: 2)
        let predictions = (0..<shape.count * samples).map { _ in Double(random.nextUniform(0.1, 0.9)) }
        var targets = (0..<shape.count * samples).map { _ in random.nextUniform(0, 1) }
        var labelled = [UInt8](repeating: LabelMark.whole, count: 18)
        let scales = (0..<18).map { _ in Double(random.nextUniform(0.5, 2)) }
        labelled[4] = LabelMark.none
        labelled[9] = LabelMark.part
        (targets[8], targets[9], targets[19]) = (.nan, .nan, .nan)
        let losses: [any Loss] = [
            Dice(axis: axis, reduction: reduction),
            Tversky(alpha: 0.3, beta: 0.9, axis: axis, reduction: reduction),
        ]
        for loss in losses {
            func value(_ predictions: [Double]) -> Double {
                zip(
                    scales,
                    Run(
                        loss, shape: shape, predictions: predictions, targets: targets, labelled: labelled,
                        scales: scales
                    ).losses
                ).reduce(0) { $0 + $1.0 * $1.1 }
            }
            let run = Run(
                loss, shape: shape, predictions: predictions, targets: targets, labelled: labelled,
                scales: scales)
            #expect(run.losses[4] == 0)
            for place in [8, 9, 19] { #expect(run.gradient[place] == 0) }
            for place in predictions.indices where ![8, 9, 19].contains(place) {
                let step = 1e-5
                var (up, down) = (predictions, predictions)
                up[place] += step
                down[place] -= step
                let slope = (value(up) - value(down)) / (2 * step)
                // ε·|value| ÷ step, and step² times the third derivative.
                #expect(
                    abs(slope - run.gradient[place]) < 1e-8,
                    "\(loss.config.json()) at \(place): \(run.gradient[place]), expected \(slope)")
            }
            if loss.fitting(shape).sums.areOfBatch {
                // What an evaluation takes from the sums alone.
                #expect(abs(run.total - value(predictions)) < 64 * Double.ulpOfOne * 18)
            }
        }
    }

    /// `sum` is the sum over regions, the others are means over positions.
    @Test func reductions() {
        let targets: [Float] = [1, 0, 1, 1, 0, 1]
        let predictions = [0.5, 0.25, 0.75, 1, 0.5, 0.5]
        let means = Run(Dice(axis: [0]), shape: [2], predictions: predictions, targets: targets)
        let sums = Run(
            Dice(axis: [0], reduction: .sum), shape: [2], predictions: predictions, targets: targets)
        #expect(abs(means.losses.reduce(0, +) / 3 * 2 - sums.losses.reduce(0, +)) < 8 * Double.ulpOfOne)
    }

    @Test func axesThatAreNotThere() throws {
        for axis in [[4], [-5], [1, 1], [0, -4]] {
            let error = #expect(throws: LossShapeError.self) {
                _ = try Dice(axis: axis).targetShape(forPrediction: [2, 3, 2])
            }
            #expect(error?.description.contains("from -4 to 3") == true)
        }
        #expect(throws: ConfigError.self) {
            _ = try LossRegistry.read(
                .dictionary(["class": "Dice", "axis": .list([])]), at: ConfigPath("loss"))
        }
        #expect(throws: ConfigError.self) {
            _ = try LossRegistry.read(
                .dictionary(["class": "Tversky", "axis": "all"]), at: ConfigPath("loss"))
        }
    }
}
