import MIOOptimizers
import Testing

@Suite struct SGDTests {
    private func sgd(
        _ learningRate: Double, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double? = nil,
        clipping: GradientClipping = .none
    ) -> SGD {
        SGD(
            options: OptimizerOptions(
                learningRate: Constant(learningRate), weightDecay: weightDecay, clipping: clipping),
            momentum: momentum, nesterov: nesterov)
    }

    @Test func plain() {
        let training = Training<Double>(sgd(0.5), weights: [1, 2, 3, 4])
        training.train([1, 6, 7, 2])
        #expect(training.weights == [0.5, -1, -0.5, 3])
        #expect(SGD().slotNames == [])
    }

    @Test func momentum() {
        // m = −½, then ½·−½ − ½ = −¾, then ½·−¾ − ½ = −⅞, each added to the weight.
        let training = Training<Double>(sgd(0.5, momentum: 0.5), weights: [4])
        var weights: [Double] = []
        for _ in 0..<3 {
            training.train([1])
            weights += training.weights
        }
        #expect(weights == [3.5, 2.75, 1.875])
        #expect(training.slots == [[-0.875]])
        #expect(training.optimizer.slotNames == ["momentum"])
    }

    @Test func nesterov() {
        // The same m; the weight changes by ½·m − ½: −¾, −⅞, −15/16.
        let training = Training<Double>(sgd(0.5, momentum: 0.5, nesterov: true), weights: [4])
        var weights: [Double] = []
        for _ in 0..<3 {
            training.train([1])
            weights += training.weights
        }
        #expect(weights == [3.25, 2.375, 1.4375])
    }

    @Test func weightDecayIsDecoupled() {
        // Keras' own test: gradient 0, learning rate 1, decay 0.004: 2 becomes 1.992.
        let training = Training<Double>(sgd(1, weightDecay: 0.004), weights: [2])
        training.train([0])
        #expect(isClose(training.weights, [1.992]))
        // With momentum too, the decay does not pass through m.
        let both = Training<Double>(sgd(0.5, momentum: 0.5, weightDecay: 0.5), weights: [4])
        both.train([1])
        #expect(both.weights == [2.5])
        #expect(both.slots == [[-0.5]])
    }

    @Test func scalesThenClips() {
        let training = Training<Double>(sgd(1, clipping: .value(1)), weights: [0, 0, 0])
        training.train([4, -8, 1], scale: 0.5)
        #expect(training.weights == [-1, 1, -0.5])
        #expect(training.gradient == [4, -8, 1])
    }
}
