import Foundation
import MIOGraph
import MIOTensor
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

    @Test func largeArgumentsDoNotOverflow() throws {
        #expect(try apply(.softmax, [1000, 0]) == [1, 0])
        #expect(try apply(.sigmoid, [-1000, 1000]) == [0, 1])
    }

    @Test func softmaxNormalizesEachRow() throws {
        let run = try LayerRun<Double>(
            ActivationLayer(.softmax), shapes: [[2, 2]], samples: 1, inputs: [[3, 3, 7, 7]])
        #expect(run.forward() == [0.5, 0.5, 0.5, 0.5])
    }

    @Test func aNaNDoesNotVanishInRelu() throws {
        #expect(try apply(.relu, [Double.nan]).allSatisfy { $0.isNaN })
    }

    /// Twenty-four distinct numbers, none of them 0: off relu's kink.
    @Test(arguments: Activation.allCases) func gradients(activation: Activation) throws {
        try checkGradients(
            of: ActivationLayer(activation), shapes: [[3, 4]],
            inputs: [TestNumbers.distinct(24, stream: 0)])
        try checkFloatAgreesWithDouble(ActivationLayer(activation), shapes: [[3, 4]], terms: 4)
    }
}
