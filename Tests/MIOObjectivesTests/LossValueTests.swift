import Foundation
import MIOBase
import MIOObjectives
import Testing

@Suite struct MeanSquaredErrorTests {
    @Test func byHand() {
        // Errors 1, −2 and 0, 3: means of squares 2.5 and 4.5; gradients scale·2e/2.
        let run = LossRun<Float>(
            MeanSquaredError(), predictions: [1, 2, 5, 3], width: 2, targets: [0, 4, 5, 0], scales: [1, 0.5])
        #expect(run.losses == [2.5, 4.5])
        #expect(run.gradient == [1, -2, 0, 1.5])
    }
}

@Suite struct MeanAbsoluteErrorTests {
    @Test func byHand() {
        let run = LossRun<Float>(
            MeanAbsoluteError(), predictions: [1, 2, 5, 3], width: 2, targets: [0, 4, 5, 0], scales: [1, 0.5])
        #expect(run.losses == [1.5, 1.5])
        // The error of 0 has gradient 0.
        #expect(run.gradient == [0.5, -0.5, 0, 0.25])
    }
}

@Suite struct HuberTests {
    @Test func kerasExample() {
        // Keras' example: ½·mean of squares of (0.6, −0.6), (0.4, 0.6).
        let run = LossRun<Double>(
            Huber(), predictions: [0.6, 0.4, 0.4, 0.6], width: 2, targets: [0, 1, 0, 0])
        #expect(isClose(run.losses, [0.18, 0.13]))
    }

    @Test func quadraticThenLinear() {
        // delta ½: |e| = ½ is still quadratic, ⅛; e = −3 is 1.5 − ⅛.
        let run = LossRun<Float>(Huber(delta: 0.5), predictions: [0.5, -3], width: 1, targets: [0, 0])
        #expect(run.losses == [0.125, 1.375])
        #expect(run.gradient == [0.5, -0.5])
    }
}

@Suite struct BinaryCrossentropyTests {
    @Test func kerasExample() {
        let run = LossRun<Double>(
            BinaryCrossentropy(), predictions: [0.6, 0.4, 0.4, 0.6], width: 2, targets: [0, 1, 0, 0])
        let expected: [Double] = [-log(0.4), -(log(0.6) + log(0.4)) / 2]
        #expect(isClose(run.losses, expected))
        // (p − z) ÷ (p·(1 − p)) ÷ 2
        let slopes: [Double] = [0.5 / 0.4, -0.5 / 0.4, 0.5 / 0.6, 0.5 / 0.4]
        #expect(isClose(run.gradient, slopes))
    }

    @Test func kerasLogitsExample() {
        let run = LossRun<Double>(
            BinaryCrossentropy(fromLogits: true), predictions: [-18.6, 0.51, 2.94, -12.8], width: 4,
            targets: [0, 1, 0, 0])
        // Keras' documentation says 0.865458; its last digit is 32-bit.
        #expect(abs(run.losses[0] - 0.865458) < 1e-6)
        #expect(isClose(run.probabilities[1], 1 / (1 + exp(-0.51))))
    }

    @Test func labelSmoothingMovesTargetsTowardsHalf() {
        let smoothed = LossRun<Double>(
            BinaryCrossentropy(labelSmoothing: 0.2), predictions: [0.3], width: 1, targets: [1])
        let expected: Double = -(0.9 * log(0.3) + 0.1 * log(0.7))
        #expect(isClose(smoothed.losses[0], expected))
    }

    @Test func clippedProbabilitiesHaveNoGradient() {
        let run = LossRun<Double>(
            BinaryCrossentropy(), predictions: [0, 1], width: 1, targets: [1, 0])
        // 1 − (1 − ε) has an error of an ulp of 1, and log magnifies it by 1 ÷ ε.
        #expect(abs(run.losses[0] + log(1e-7)) < 1e-14)
        #expect(abs(run.losses[1] + log(1e-7)) < Double.ulpOfOne * 1e7)
        #expect(run.gradient == [0, 0])
    }
}

@Suite struct CategoricalCrossentropyTests {
    @Test func kerasExample() {
        let run = LossRun<Double>(
            CategoricalCrossentropy(), predictions: [0.05, 0.95, 0, 0.1, 0.8, 0.1], width: 3,
            targets: [0, 1, 0, 0, 0, 1])
        #expect(isClose(run.losses, [-log(0.95), -log(0.1)]))
    }

    @Test func probabilitiesAreNormalized() {
        // (2, 6) is taken as (¼, ¾); by p₀: −1/2 + 1/8, by p₁: 1/8.
        let run = LossRun<Double>(CategoricalCrossentropy(), predictions: [2, 6], width: 2, targets: [1, 0])
        #expect(isClose(run.losses[0], log(4)))
        #expect(isClose(run.gradient, [-0.375, 0.125]))
    }

    @Test func logits() {
        // Softmax of (0, log 3) is (¼, ¾).
        let run = LossRun<Double>(
            CategoricalCrossentropy(fromLogits: true), predictions: [0, log(3)], width: 2, targets: [1, 0],
            scales: [2])
        #expect(isClose(run.losses[0], log(4)))
        #expect(isClose(run.probabilities, [0.25, 0.75]))
        #expect(isClose(run.gradient, [-1.5, 1.5]))
    }

    @Test func labelSmoothingSpreadsOverClasses() {
        let run = LossRun<Double>(
            CategoricalCrossentropy(labelSmoothing: 0.2), predictions: [0.5, 0.25, 0.25], width: 3,
            targets: [1, 0, 0])
        let other = 0.2 / 3
        let expected: Double = -((0.8 + other) * log(0.5) + 2 * other * log(0.25))
        #expect(isClose(run.losses[0], expected))
    }

    @Test func aClassRuledOutCostsNothing() {
        let run = LossRun<Double>(
            CategoricalCrossentropy(fromLogits: true), predictions: [0, 0, -.infinity], width: 3,
            targets: [1, 0, 0])
        #expect(isClose(run.losses[0], log(2)))
        #expect(isClose(run.gradient, [-0.5, 0.5, 0]))
    }

    @Test func oneClassIsRefused() {
        let error = #expect(throws: LossShapeError.self) {
            try CategoricalCrossentropy().targetShape(forPrediction: [1])
        }
        #expect(
            error?.description
                == "categorical_crossentropy cannot take a prediction of shape (1,): expected at least 2 classes on "
                + "the last axis. For one yes-or-no answer use binary_crossentropy")
    }
}

@Suite struct SparseCategoricalCrossentropyTests {
    @Test func kerasExample() {
        let run = LossRun<Double>(
            SparseCategoricalCrossentropy(), predictions: [0.05, 0.95, 0, 0.1, 0.8, 0.1], width: 3,
            targets: [1, 2])
        #expect(isClose(run.losses, [-log(0.95), -log(0.1)]))
    }

    /// It is the loss of one-hot rows, written shorter.
    @Test(arguments: [false, true]) func equalsCategorical(fromLogits: Bool) {
        var random = PhiloxSequence(seed: 3, stream: 0)
        let (positions, width) = (50, 7)
        let predictions = (0..<positions * width).map { _ in Double(random.nextUniform(0.1, 3)) }
        let classes = (0..<positions).map { _ in Int(random.nextUnit() * Float(width)) }
        var oneHot = [Float](repeating: 0, count: positions * width)
        for (position, index) in classes.enumerated() { oneHot[position * width + index] = 1 }
        let sparse = LossRun(
            SparseCategoricalCrossentropy(fromLogits: fromLogits), predictions: predictions, width: width,
            targets: classes.map { Float($0) })
        let dense = LossRun(
            CategoricalCrossentropy(fromLogits: fromLogits), predictions: predictions, width: width,
            targets: oneHot)
        #expect(isClose(sparse.losses, dense.losses, ulps: Double(width)))
        #expect(isClose(sparse.gradient, dense.gradient, ulps: Double(width)))
    }

    @Test func dropsTheLastAxis() throws {
        let loss = SparseCategoricalCrossentropy()
        #expect(try loss.targetShape(forPrediction: [10]) == [])
        #expect(try loss.targetShape(forPrediction: [28, 28, 3]) == [28, 28])
    }
}

@Suite struct LossPropertyTests {
    static let logitLosses: [any Loss] = [
        BinaryCrossentropy(fromLogits: true), CategoricalCrossentropy(fromLogits: true, labelSmoothing: 0.1),
        SparseCategoricalCrossentropy(fromLogits: true),
    ]

    @Test(arguments: LossPropertyTests.logitLosses) func extremeLogitsStayFinite(loss: any Loss) {
        let targets: [Float] = loss.targetKind == .classIndex ? [1, 0] : [0, 1, 1, 0]
        let run = LossRun<Float>(loss, predictions: [1e4, -1e4, -1e4, 1e4], width: 2, targets: targets)
        for numbers in [run.losses, run.gradient, run.probabilities] {
            #expect(numbers.allSatisfy { $0.isFinite })
        }
        // All wrong, by 20,000 in the logits at most.
        #expect(run.losses.allSatisfy { $0 > 9e3 && $0 <= 2e4 })
    }

    static let all: [any Loss] =
        logitLosses + [
            MeanSquaredError(), MeanAbsoluteError(), Huber(), BinaryCrossentropy(), CategoricalCrossentropy(),
            SparseCategoricalCrossentropy(),
        ]

    /// Rows without a label change neither the others' numbers nor leave any of their own.
    @Test(arguments: LossPropertyTests.all) func unlabelledRowsContributeNothing(loss: any Loss) {
        let sparse = loss.targetKind == .classIndex
        let targets: [Float] = sparse ? [-1, 1] : [.nan, 0, 0, 1]
        let garbage: [Float] = [3e38, -3e38]
        let run = LossRun<Float>(
            loss, predictions: garbage + [0.25, 0.75], width: 2, targets: targets, labelled: [0, 1],
            scales: [.infinity, 2])
        let alone = LossRun<Float>(
            loss, predictions: [0.25, 0.75], width: 2, targets: Array(targets.suffix(sparse ? 1 : 2)),
            scales: [2])
        #expect(run.losses == [0] + alone.losses)
        #expect(run.gradient == [0, 0] + alone.gradient)
        #expect(run.gradient.prefix(2).allSatisfy { $0.sign == .plus })
    }

    @Test(arguments: LossPropertyTests.all) func lossesAreTheSameWithoutGradient(loss: any Loss) {
        let predictions: [Double] = [0.2, 0.3, 0.5, 0.125, 0.25, 0.625]
        let targets: [Float] = loss.targetKind == .classIndex ? [2, 0] : [1, 0, 0, 0.25, 0.25, 0.5]
        let run = LossRun(loss, predictions: predictions, width: 3, targets: targets)
        #expect(lossesAlone(loss, predictions: predictions, width: 3, targets: targets) == run.losses)
    }

    /// Replacing an activation and a loss by the loss of logits changes nothing but rounding.
    @Test func absorbingTheActivation() {
        let losses: [any Loss] = [
            BinaryCrossentropy(labelSmoothing: 0.1), CategoricalCrossentropy(labelSmoothing: 0.1),
            SparseCategoricalCrossentropy(),
        ]
        #expect(losses.map(\.absorbs) == [.sigmoid, .softmax, .softmax])
        for loss in losses {
            let targets: [Float] = loss.targetKind == .classIndex ? [2] : [0, 0, 1]
            let fused = loss.readingLogits()
            #expect(fused.fromLogits && fused.absorbs == nil)
            let logits = LossRun<Double>(fused, predictions: [0.5, -1, 2], width: 3, targets: targets)
            let separate = LossRun<Double>(
                loss, predictions: logits.probabilities, width: 3, targets: targets)
            #expect(isClose(logits.losses, separate.losses, ulps: 16))
        }
        #expect(MeanSquaredError().absorbs == nil)
    }

    @Test func denominators() {
        #expect(LossReduction.sumOverBatchSize.denominator(labelledCount: 4, weightSum: 2.5) == 4)
        #expect(LossReduction.meanWithSampleWeight.denominator(labelledCount: 4, weightSum: 2.5) == 2.5)
        #expect(LossReduction.sum.denominator(labelledCount: 4, weightSum: 2.5) == 1)
    }
}

/// 32-bit sums one by one would be off by some 1e-4 of themselves.
@Suite struct LongRowTests {
    private let width = 100_000

    private func compare(_ loss: any Loss, _ predictions: [Double], _ targets: [Float], sum: Double) {
        let run = LossRun<Float>(
            loss, predictions: predictions.map(Float.init), width: width, targets: targets)
        #expect(abs(Double(run.losses[0]) - sum) <= 2e-6 * sum, "\(run.losses[0]), not \(sum)")
    }

    @Test func ofMeans() {
        let predictions = (0..<width).map { 0.1 + 0.8 * Double(Float($0 % 977) / 977) }
        let zeros = [Float](repeating: 0, count: width)
        let mean = { (term: (Double) -> Double) in
            predictions.reduce(0) { $0 + term(Double(Float($1))) } / Double(self.width)
        }
        compare(MeanSquaredError(), predictions, zeros, sum: mean { $0 * $0 })
        compare(MeanAbsoluteError(), predictions, zeros, sum: mean { $0 })
        compare(BinaryCrossentropy(), predictions, zeros, sum: mean { -log(1 - $0) })
    }

    @Test func ofClasses() {
        let logits = (0..<width).map { Double(Float($0 % 977) / 977) }
        let logSum = log(logits.reduce(0) { $0 + exp($1) })
        var targets = [Float](repeating: 0, count: width)
        targets[5] = 1
        let smoothed =
            logits.reduce(0) { $0 + 0.2 / Double(width) * (logSum - $1) } + 0.8 * (logSum - logits[5])
        compare(
            CategoricalCrossentropy(fromLogits: true, labelSmoothing: 0.2), logits, targets, sum: smoothed)
        compare(SparseCategoricalCrossentropy(fromLogits: true), logits, [5], sum: logSum - logits[5])
    }
}
