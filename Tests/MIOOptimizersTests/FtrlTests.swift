import MIOOptimizers
import Testing

@Suite struct FtrlTests {
    @Test func byHand() {
        // a = 9, n = 25: z = 4 − (5 − 3) ÷ ½·1 = 0, and w = (0 − 0) ÷ (5 ÷ ½).
        let training = Training<Double>(
            Ftrl(learningRate: 0.5, initialAccumulatorValue: 9), weights: [1, -1])
        training.train([4, 4])
        // The other: z = 4 + 4 = 8, w = −8 ÷ 10.
        #expect(isClose(training.weights, [0, -0.8]))
        #expect(training.slots == [[25, 25], [0, 8]])
    }

    @Test func whatIsNotWorthTheStrengthIsZero() {
        // |z| up to 1 is 0; the other is (1 − 3) ÷ (√9.1… ÷ 1 + 2·2).
        let training = Training<Double>(
            Ftrl(
                learningRate: 1, initialAccumulatorValue: 16, l1RegularizationStrength: 1,
                l2RegularizationStrength: 2), weights: [0, 0])
        training.train([0.5, 3])
        #expect(isClose(training.weights, [0, -2.0 / (5 + 4)]))
    }

    @Test func nothingChangesAtARateOfNothing() {
        for power in [-0.5, -1] {
            let training = Training<Float>(
                Ftrl(learningRate: 0, learningRatePower: power), weights: [0.5])
            training.trainNatively([3])
            training.train([3])
            #expect(training.weights == [0.5] && training.slots == [[0.1], [0]])
        }
    }
}
