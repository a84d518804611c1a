import MIOBase
import MIOOptimizers
import Testing

/// The native updates equal the plain ones bit for bit: neither contracts nor reorders.
@Suite struct NativeUpdateTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let optimizer: any Optimizer
        var testDescription: String { "\(optimizer.config.json())" }
    }

    static let cases: [Case] = {
        let plain = OptimizerOptions(learningRate: Constant(0.01))
        let all = OptimizerOptions(
            learningRate: Constant(0.01), weightDecay: 0.004, clipping: .value(0.5))
        var optimizers: [any Optimizer] = []
        for options in [plain, all] {
            optimizers += [
                SGD(options: options), SGD(options: options, momentum: 0.9),
                SGD(options: options, momentum: 0.9, nesterov: true), Adam(options: options),
                Adam(options: options, amsgrad: true), AdamW(options: options),
            ]
        }
        return optimizers.map { Case(optimizer: $0) }
    }()

    /// 10,003 elements leave a tail after any vector; offsets 1 and 3 put them off every alignment.
    @Test(arguments: NativeUpdateTests.cases, [0, 1, 3]) func equalsPlain(_ testCase: Case, offset: Int) {
        let count = 10_003
        var random = PhiloxSequence(seed: 21, stream: UInt64(offset))
        let weights = (0..<count).map { _ in random.nextUniform(-1, 1) }
        let plain = Training<Float>(testCase.optimizer, weights: weights, offset: offset)
        let native = Training<Float>(testCase.optimizer, weights: weights, offset: offset)
        for step in 0..<3 {
            // Over many magnitudes, exact zeros among them.
            let gradient = (0..<count).map { index -> Float in
                let unit = random.nextUniform(-1, 1)
                return index % 17 == 0
                    ? 0 : unit * Float(sign: .plus, exponent: index % 40 - 30, significand: 1)
            }
            let scale = step == 0 ? 1 : 0.37
            plain.train(gradient, scale: scale)
            native.trainNatively(gradient, scale: scale)
            #expect(plain.weights == native.weights)
            #expect(plain.slots == native.slots)
            #expect(native.gradient == gradient)
        }
        #expect(plain.weights.allSatisfy { $0.isFinite })
        #expect(plain.weights != weights)
        #expect(native.surroundingsAreUntouched)
    }

    @Test(arguments: NativeUpdateTests.cases) func nothingAndLittle(_ testCase: Case) {
        for count in [0, 1, 15] {
            let weights = (0..<count).map { Float($0) + 0.5 }
            let plain = Training<Float>(testCase.optimizer, weights: weights)
            let native = Training<Float>(testCase.optimizer, weights: weights)
            plain.train(weights)
            native.trainNatively(weights)
            #expect(plain.weights == native.weights)
            #expect(native.surroundingsAreUntouched)
        }
    }

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
