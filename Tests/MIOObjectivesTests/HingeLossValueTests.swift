import MIOBase
import MIOObjectives
import Testing

@Suite struct HingeTests {
    /// Keras' example: targets 0 and 1 stand for −1 and 1.
    @Test func kerasExample() {
        let run = LossRun<Double>(
            Hinge(), predictions: [0.6, 0.4, 0.4, 0.6], width: 2, targets: [0, 1, 0, 0])
        #expect(isClose(run.losses, [(1.6 + 0.6) / 2, (1.4 + 1.6) / 2]))
        #expect(run.gradient == [0.5, -0.5, 0.5, 0.5])
    }

    @Test func pastTheMarginThereIsNone() {
        let run = LossRun<Float>(Hinge(), predictions: [1.5, -2, 0.5], width: 1, targets: [1, -1, -1])
        #expect(run.losses == [0, 0, 1.5])
        #expect(run.gradient == [0, 0, 1])
    }
}

@Suite struct SquaredHingeTests {
    @Test func kerasExample() {
        let run = LossRun<Double>(
            SquaredHinge(), predictions: [0.6, 0.4, 0.4, 0.6], width: 2, targets: [0, 1, 0, 0])
        let expected: [Double] = [(1.6 * 1.6 + 0.6 * 0.6) / 2, (1.4 * 1.4 + 1.6 * 1.6) / 2]
        #expect(isClose(run.losses, expected))
        #expect(isClose(run.gradient, [1.6, -0.6, 1.4, 1.6]))
    }
}

@Suite struct CategoricalHingeTests {
    @Test func kerasExample() {
        // pos 0.4, neg 0.6; pos 0.4 (the second row's class is 0), neg 0.6.
        let run = LossRun<Double>(
            CategoricalHinge(), predictions: [0.6, 0.4, 0.4, 0.6], width: 2, targets: [0, 1, 1, 0],
            scales: [1, 2])
        #expect(isClose(run.losses, [1.2, 1.2]))
        #expect(run.gradient == [1, -1, -2, 2])
    }

    @Test func equalOnesShareTheGradient() {
        let run = LossRun<Double>(
            CategoricalHinge(), predictions: [0.25, 0.25, 0.5], width: 3, targets: [0, 0, 1])
        #expect(run.losses == [0.75])
        #expect(run.gradient == [0.5, 0.5, -1])
    }

    @Test func pastTheMarginThereIsNone() {
        let run = LossRun<Float>(
            CategoricalHinge(), predictions: [3, 0.5], width: 2, targets: [1, 0])
        #expect(run.losses == [0])
        #expect(run.gradient == [0, 0])
        let broken = LossRun<Float>(
            CategoricalHinge(), predictions: [.nan, 0.5, 0.5, .nan], width: 2, targets: [1, 0, 1, 0])
        #expect(broken.losses.allSatisfy { $0.isNaN })
    }
}
