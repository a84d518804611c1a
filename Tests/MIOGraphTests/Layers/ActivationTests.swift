import Foundation
import MIOBase
import MIOGraph
import Testing

@Suite struct ActivationTests {
    private func apply(_ activation: Activation, _ x: [Double]) throws -> [Double] {
        try LayerRun(ActivationLayer(activation), shapes: [[x.count]], inputs: [x]).forward()
    }

    @Test func valuesByHand() throws {
        #expect(try apply(.linear, [-1, 0, 2]) == [-1, 0, 2])
        #expect(try apply(.relu, [-1, 0, 2]) == [0, 0, 2])
        #expect(try apply(.sigmoid, [0, log(3)])[0] == 0.5)
        #expect(abs(try apply(.sigmoid, [0, log(3)])[1] - 0.75) <= .ulpOfOne)
        #expect(abs(try apply(.tanh, [log(2)])[0] - 0.6) <= .ulpOfOne)
        let softmax = try apply(.softmax, [0, log(2), log(5)])
        for (value, expected) in zip(softmax, [0.125, 0.25, 0.625]) {
            #expect(abs(value - expected) <= 4 * .ulpOfOne)
        }
    }

    private struct Value: CustomTestStringConvertible {
        let activation: Activation
        let x: Double
        let y: Double
        var testDescription: String { "\(activation)(\(x))" }

        init(_ activation: Activation, _ x: Double, _ y: Double) {
            self.activation = activation
            self.x = x
            self.y = y
        }
    }

    /// Φ(1) = 0.84134474606854293; tanh(ln(1 + e)) = 0.86509838826731033.
    private static let values: [Value] = [
        Value(.elu, -1, exp(-1) - 1), Value(.elu, 2, 2), Value(.exponential, log(3), 3),
        Value(.gelu, 1, 0.84134474606854293), Value(.gelu, -1, -0.15865525393145707), Value(.gelu, 0, 0),
        Value(.hardSigmoid, 1.5, 0.75), Value(.hardSigmoid, -3, 0), Value(.hardSigmoid, 4, 1),
        Value(.leakyRelu, -1, -0.2), Value(.leakyRelu, 3, 3), Value(.mish, 1, 0.86509838826731033),
        Value(.relu6, 7, 6), Value(.relu6, -1, 0), Value(.relu6, 2, 2), Value(.selu, 1, 1.0507009873554805),
        Value(.selu, -1, 1.7580993408473766 * (exp(-1) - 1)), Value(.silu, log(3), 0.75 * log(3)),
        Value(.softplus, 0, log(2)), Value(.softplus, 800, 800), Value(.softsign, -3, -0.75),
    ]

    @Test(arguments: values) private func valuesOfOthersByHand(value: Value) throws {
        let y = try apply(value.activation, [value.x])[0]
        #expect(abs(y - value.y) <= 4 * .ulpOfOne * max(1, abs(value.y)), "\(y)")
    }

    /// Its gradient needs z, which the layer keeps: nothing else holds it.
    @Test(arguments: [Activation.gelu, .mish, .silu]) func layersKeepTheArgument(activation: Activation)
        throws
    {
        let dense = Dense(5, activation: activation)
        #expect(dense.memory(for: [[4]], output: [5]).kept == 5)
        try checkGradients(of: dense, shapes: [[4]], samples: 3, terms: 4)
        try checkGradients(of: SegmentedDense(dense), shapes: [[3], [1]], samples: 3, terms: 4)
        try checkGradients(
            of: Conv2D(2, kernelSize: 2, activation: activation), shapes: [[3, 3, 1]], terms: 4)
        try checkFloatAgreesWithDouble(dense, shapes: [[4]], samples: 3, terms: 8)
    }

    @Test func largeArgumentsDoNotOverflow() throws {
        #expect(try apply(.softmax, [1000, 0]) == [1, 0])
        #expect(try apply(.sigmoid, [-1000, 1000]) == [0, 1])
    }

    @Test func softmaxNormalizesEachRow() throws {
        let run = try LayerRun<Double>(
            ActivationLayer(.softmax), shapes: [[2, 2]], samples: 1, inputs: [[3, 3, 7, 7]])
        #expect(run.forward() == [0.5, 0.5, 0.5, 0.5])
    }
}
