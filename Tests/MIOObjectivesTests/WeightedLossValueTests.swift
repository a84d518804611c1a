import Foundation
import MIOBase
import MIOConfig
import MIOObjectives
import Testing

@Suite struct BinaryFocalCrossentropyTests {
    @Test func byHand() {
        // Distances from the truth 0.6 and 0.6: 0.36·−log 0.4 each; with balance ¾ of the first, ¼ of the second.
        for (balances, factors) in [(false, [1.0, 1.0]), (true, [0.75, 0.25])] {
            let run = LossRun<Double>(
                BinaryFocalCrossentropy(applyClassBalancing: balances), predictions: [0.6, 0.4], width: 1,
                targets: [0, 1])
            let expected1: [Double] = factors.map { -$0 * 0.36 * log(0.4) }
            #expect(isClose(run.losses, expected1))
            // q²·B' + 2·q·(1 − 2z)·B
            let slope: Double = 0.36 / 0.4 - 2 * 0.6 * log(0.4)
            #expect(isClose(run.gradient, [factors[0] * slope, -factors[1] * slope]))
        }
    }

    @Test func withoutFocusItIsTheCrossentropy() {
        let predictions = [0.3, -1.2, 4.5, -0.1]
        let targets: [Float] = [1, 0, 0, 1]
        let focal = LossRun<Double>(
            BinaryFocalCrossentropy(gamma: 0, fromLogits: true), predictions: predictions, width: 2,
            targets: targets)
        let plain = LossRun<Double>(
            BinaryCrossentropy(fromLogits: true), predictions: predictions, width: 2, targets: targets)
        #expect(focal.losses == plain.losses && focal.gradient == plain.gradient)
        #expect(focal.probabilities == plain.probabilities)
    }
}

@Suite struct CategoricalFocalCrossentropyTests {
    @Test func byHand() {
        // ¼·(1 − p)²·−log p of the class, p = 0.8 and 0.1.
        let run = LossRun<Double>(
            CategoricalFocalCrossentropy(), predictions: [0.1, 0.8, 0.1, 0.1, 0.6, 0.3], width: 3,
            targets: [0, 1, 0, 1, 0, 0])
        let expected2: [Double] = [-0.25 * 0.04 * log(0.8), -0.25 * 0.81 * log(0.1)]
        #expect(isClose(run.losses, expected2))
        // A weight for each class.
        let weighted = LossRun<Double>(
            CategoricalFocalCrossentropy(alpha: [2, 0.5, 1], gamma: 1),
            predictions: [0.1, 0.8, 0.1, 0.1, 0.6, 0.3], width: 3, targets: [0, 1, 0, 1, 0, 0])
        let expected3: [Double] = [-0.5 * 0.2 * log(0.8), -2 * 0.9 * log(0.1)]
        #expect(isClose(weighted.losses, expected3))
    }

    @Test func logitsAreTheirSoftmax() {
        let logits: [Double] = [0, log(3), 1, 2]
        let run = LossRun<Double>(
            CategoricalFocalCrossentropy(fromLogits: true), predictions: logits, width: 2,
            targets: [1, 0, 0, 1])
        let expected4: Double = 0.25 * 0.5625 * log(4)
        #expect(isClose(run.losses[0], expected4))
        #expect(isClose(Array(run.probabilities[0..<2]), [0.25, 0.75]))
        #expect(isClose(run.gradient[0] + run.gradient[1], 0))
    }

    @Test func refusesAnotherNumberOfWeights() {
        let loss = CategoricalFocalCrossentropy(alpha: [1, 2])
        let error = #expect(throws: LossShapeError.self) { try loss.targetShape(forPrediction: [3]) }
        #expect(
            error?.description
                == "categorical_focal_crossentropy cannot take a prediction of shape (3,): expected "
                + "as many units as alpha has numbers, 2; give the output that many units, or alpha that many "
                + "numbers")
    }
}

@Suite struct CategoricalGeneralizedCrossEntropyTests {
    @Test func byHand() {
        // (1 − √¼) ÷ ½ = 1; by p: −1 ÷ √¼.
        let run = LossRun<Double>(
            CategoricalGeneralizedCrossEntropy(), predictions: [0.25, 0.75], width: 2, targets: [0],
            scales: [2])
        #expect(run.losses == [1] && run.gradient == [-4, 0])
    }
}

@Suite struct WeightedBinaryCrossentropyTests {
    @Test func byHand() {
        // Of the positive three times −log 0.6, of the negative −log 0.6.
        let run = LossRun<Double>(
            WeightedBinaryCrossentropy(positiveWeight: [3]), predictions: [0.6, 0.4], width: 1,
            targets: [1, 0])
        let expected5: [Double] = [-3 * log(0.6), -log(0.6)]
        #expect(isClose(run.losses, expected5))
        #expect(isClose(run.gradient, [-3 / 0.6, 1 / 0.6]))
        // The same of logits, log(p ÷ (1 − p)).
        let logits: [Double] = [log(1.5), -log(1.5)]
        let ofLogits = LossRun<Double>(
            WeightedBinaryCrossentropy(positiveWeight: [3], fromLogits: true), predictions: logits, width: 1,
            targets: [1, 0])
        #expect(isClose(ofLogits.losses, run.losses))
        #expect(isClose(ofLogits.gradient, [-3 * 0.4, 0.4]))
    }

    @Test func aWeightForEachUnit() {
        let run = LossRun<Double>(
            WeightedBinaryCrossentropy(positiveWeight: [1, 4]), predictions: [0.5, 0.5, 0.5, 0.5], width: 2,
            targets: [1, 1, 0, 1])
        let expected6: [Double] = [2.5 * log(2), 2.5 * log(2)]
        #expect(isClose(run.losses, expected6))
        #expect(isClose(run.gradient, [-1, -4, 1, -4]))
    }

    @Test func withoutWeightItIsTheCrossentropy() {
        for fromLogits in [false, true] {
            let predictions = fromLogits ? [0.3, -1.2, 4.5, -0.1] : [0.3, 0.2, 0.75, 0.9]
            let targets: [Float] = [1, 0, 0, 1]
            let weighted = LossRun<Double>(
                WeightedBinaryCrossentropy(positiveWeight: [1], fromLogits: fromLogits, labelSmoothing: 0.2),
                predictions: predictions, width: 2, targets: targets)
            let plain = LossRun<Double>(
                BinaryCrossentropy(fromLogits: fromLogits, labelSmoothing: 0.2), predictions: predictions,
                width: 2, targets: targets)
            #expect(isClose(weighted.losses, plain.losses))
            #expect(isClose(weighted.gradient, plain.gradient, ulps: 16))
        }
    }
}

@Suite struct PinballTests {
    @Test func byHand() {
        // Below by 2: 0.9·2. Above by 1: 0.1·1. Hit: 0.
        let run = LossRun<Float>(
            Pinball(quantiles: [0.75]), predictions: [1, 4, 5], width: 1, targets: [3, 3, 5])
        #expect(run.losses == [1.5, 0.25, 0])
        #expect(run.gradient == [-0.75, 0.25, 0])
    }

    @Test func severalQuantilesOfOneNumber() throws {
        let loss = Pinball(quantiles: [0.25, 0.5, 0.75])
        #expect(try loss.targetShape(forPrediction: [3]) == [])
        #expect(try loss.targetShape(forPrediction: [7, 3]) == [7])
        #expect(loss.targetKind == .shared)
        // The second position has no label.
        for labelled: [UInt8] in [[1, 0, 1]] {
            let run = LossRun<Float>(
                loss, predictions: [1, 2, 4, 9, 9, 9, 0, 0, 0], width: 3, targets: [2, .nan, 4],
                labelled: labelled, scales: [3, 3, 6])
            // 0.25·1 + 0 + 0.25·2, and (0.25 + 0.5 + 0.75)·4.
            #expect(run.losses == [0.25, 0, 2])
            #expect(run.gradient == [-0.25, 0, 0.25, 0, 0, 0, -0.5, -1, -1.5])
        }
        let error = #expect(throws: LossShapeError.self) { try loss.targetShape(forPrediction: [2]) }
        #expect(error?.description.contains("expected as many units as quantiles has numbers, 3") == true)
        let metric = #expect(throws: MetricShapeError.self) {
            try MeanAbsoluteErrorMetric().check(prediction: [3], targetKind: .shared)
        }
        #expect(metric?.description.contains("remove the metric") == true)
        #expect(throws: MetricShapeError.self) {
            try AccuracyMetric().check(prediction: [3], targetKind: .shared)
        }
    }

    @Test(
        arguments: [
            (0 as ConfigValue, "found 0.0"), ([0.5, 1], "found 1.0"), ([], "found an empty list"),
            ("high", "found \"high\""),
        ] as [(ConfigValue, String)]) func refusesWhatIsNoQuantile(value: ConfigValue, message: String)
    {
        let error = #expect(throws: ConfigError.self) {
            try LossRegistry.read(
                .dictionary(["class": "Pinball", "quantiles": value]), at: ConfigPath("loss"))
        }
        #expect(
            error?.description
                == "loss.quantiles: expected a number between 0 and 1, neither of them, or a list with one "
                + "for each unit, \(message)")
    }
}
