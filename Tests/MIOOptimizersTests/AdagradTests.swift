import MIOOptimizers
import Testing

@Suite struct AdagradTests {
    @Test func byHand() {
        // Sums 1 + 8 and 9 + 16: steps 2.828 ÷ 3 of a rate of 1, and 4 ÷ 5.
        let training = Training<Double>(
            Adagrad(learningRate: 1, initialAccumulatorValue: 1, epsilon: 0), weights: [0])
        training.train([Double(8.0).squareRoot()])
        #expect(isClose(training.weights, [-(Double(8.0).squareRoot()) / 3]))
        training.train([4])
        #expect(isClose(training.weights, [-(Double(8.0).squareRoot()) / 3 - 0.8]))
        #expect(isClose(training.slots[0], [25], ulps: 32))
        #expect(Adagrad().firstSlotValues == [0.1])
    }
}

@Suite struct AdadeltaTests {
    @Test func byHand() {
        // a = ½·4 = 2, s = √1·2 ÷ √3, d = ½·4/3; then a = 1, s = √(1 + 2/3)·0.
        let training = Training<Double>(Adadelta(learningRate: 0.5, rho: 0.5, epsilon: 1), weights: [0])
        training.train([2])
        #expect(isClose(training.weights, [-1 / Double(3.0).squareRoot()]))
        #expect(isClose(training.slots[1], [2.0 / 3]))
        training.train([0])
        #expect(isClose(training.weights, [-1 / Double(3.0).squareRoot()]))
        #expect(isClose(training.slots[0], [1]) && isClose(training.slots[1], [1.0 / 3]))
    }
}
