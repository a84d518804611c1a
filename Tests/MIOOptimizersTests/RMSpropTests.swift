import MIOOptimizers
import Testing

@Suite struct RMSpropTests {
    @Test func byHand() {
        // v = ½·4: a step of 1·2 ÷ √2. Then v = ½·2 + ½·16 = 9: 1·4 ÷ 3.
        let training = Training<Double>(
            RMSprop(learningRate: 1, rho: 0.5, epsilon: 0), weights: [10])
        training.train([2])
        #expect(isClose(training.weights, [10 - Double(2.0).squareRoot()]))
        training.train([4])
        #expect(isClose(training.weights, [10 - Double(2.0).squareRoot() - 4.0 / 3]))
        #expect(training.slots == [[9]])
    }

    @Test func momentumKeepsSteps() {
        // Steps √2 and, of v = 1, 0.
        let training = Training<Double>(
            RMSprop(learningRate: 1, rho: 0.5, momentum: 0.25, epsilon: 0), weights: [0])
        training.train([2])
        training.train([0])
        let root = Double(2.0).squareRoot()
        #expect(isClose(training.weights, [-root - 0.25 * root]))
        #expect(training.optimizer.slotNames == ["velocity", "momentum"])
        #expect(isClose(training.slots[1], [0.25 * root]))
    }

    @Test func centeredStepsGoByTheVariance() {
        // v = 2, a = 1: 2 ÷ √(2 − 1 + 3).
        let training = Training<Double>(
            RMSprop(learningRate: 1, rho: 0.5, epsilon: 3, centered: true), weights: [0])
        training.train([2])
        #expect(training.weights == [-1])
        #expect(training.optimizer.slotNames == ["velocity", "average_gradient"])
        #expect(
            RMSprop(momentum: 0.5, centered: true).kerasVariables == [
                ["velocity"], ["momentum"], ["average_gradient"],
            ])
    }
}
