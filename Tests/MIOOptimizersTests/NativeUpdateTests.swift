import MIOBase
import MIOOptimizers
import Testing

/// What is beyond all numbers, on both ways. `RegistryTests` compares them bit for bit on ordinary gradients.
@Suite struct NativeUpdateTests {
    @Test func aBrokenGradientIsNotHidden() {
        let optimizer = SGD(options: OptimizerOptions(learningRate: Constant(1), clipping: .value(1)))
        let plain = Training<Float>(optimizer, weights: [1, 1])
        let native = Training<Float>(optimizer, weights: [1, 1])
        plain.train([.nan, .infinity])
        native.trainNatively([.nan, .infinity])
        for weights in [plain.weights, native.weights] {
            #expect(weights[0].isNaN)
            #expect(weights[1] == 0)
        }
    }
}
