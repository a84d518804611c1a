import MIOOptimizers
import Testing

@Suite struct LionTests {
    @Test func byHand() {
        // Towards the sign of ½·m + ½·g; m = ¾·m + ¼·g.
        let training = Training<Double>(
            Lion(learningRate: 0.25, beta1: 0.5, beta2: 0.75), weights: [1, 1, 1])
        training.train([8, -8, 0])
        #expect(training.weights == [0.75, 1.25, 1])
        // m is 2: a gradient of −1 does not turn it, one of −4 does.
        training.train([-1, 4, 0])
        #expect(training.weights == [0.5, 1, 1])
        #expect(training.slots == [[1.25, -0.5, 0]])
    }
}
