import MIOBase
import MIOGraph
import Testing

@Suite struct LSTMTests {
    static let everything = LSTM(3, returnSequences: true, returnState: true)

    /// One unit, one feature, two steps, by hand.
    @Test func valuesByHand() throws {
        let layer = LSTM(1, activation: .linear, recurrentActivation: .linear, returnState: true)
        // z = x · kernel + h · recurrent + bias for i, f, g, o.
        let run = try LayerRun<Double>(
            layer, shapes: [[2, 1]], inputs: [[2, 3]],
            weights: [[1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 0, 1]])
        // Step 0: i 2, f 4, g 6, o 9: c 12, h 108. Step 1: i 111, f 114, g 117, o 121: c 14355, h 1736955.
        #expect(run.forward() == [1_736_955, 1_736_955, 14_355])
    }

    @Test(arguments: [
        everything, LSTM(3), LSTM(3, useBias: false, returnSequences: true, goBackwards: true),
        LSTM(3, activation: .gelu, recurrentActivation: .silu, returnSequences: true, returnState: true),
        LSTM(3, activation: .softmax, recurrentActivation: .softsign, returnState: true),
    ]) func gradients(layer: LSTM) throws {
        for shapes: [Shape] in [[[4, 2]], [[4, 2], [3], [3]]] {
            try checkGradients(of: layer, shapes: shapes, samples: 2, terms: 64)
            try checkFloatAgreesWithDouble(layer, shapes: shapes, samples: 2, terms: 24)
        }
    }

    @Test(arguments: [false, true], [false, true]) func gradientsOfMaskedSteps(zeros: Bool, backwards: Bool)
        throws
    {
        for sequences in [false, true] {
            let layer = LSTM(
                3, returnSequences: sequences, returnState: true, goBackwards: backwards,
                zeroOutputForMask: zeros)
            let mask: [Double] = [0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0]
            try checkGradients(of: layer, shapes: [[4, 2]], samples: 3, terms: 64, masks: [mask])
            try checkGradients(
                of: layer, shapes: [[4, 2], [3], [3]], samples: 3, terms: 64, masks: [mask, nil, nil])
        }
    }

    @Test(arguments: [(0.5, 0.0), (0, 0.5), (0.3, 0.6), (1, 1)]) func gradientsWithDropout(
        rates: (Double, Double)
    ) throws {
        let layer = LSTM(3, dropout: rates.0, recurrentDropout: rates.1, returnSequences: true)
        try checkGradients(
            of: layer, shapes: [[4, 5]], samples: 3, terms: 64,
            context: CallContext(training: true, seed: 4, step: 2, firstSample: 7))
    }

    /// A step that does not count repeats the output before it, zeros at first, and keeps the state.
    @Test func masksRepeatTheOutput() throws {
        let x = TestNumbers.uniform(5 * 2, stream: 1)
        let weights = LSTM(3).weights(for: [[5, 2]]).enumerated().map {
            TestNumbers.uniform($1.shape.count, stream: 10 + UInt64($0))
        }
        let masked = try LayerRun<Double>(
            Self.everything, shapes: [[5, 2]], inputs: [x], weights: weights, masks: [[0, 1, 0, 1, 0]])
        let short = try LayerRun<Double>(
            Self.everything, shapes: [[2, 2]], inputs: [[x[2], x[3], x[6], x[7]]], weights: weights)
        let y = masked.forward()
        let expected = short.forward()
        // Of [step][unit], then both states.
        let taken: [Int?] = [nil, 0, 0, 1, 1]
        for (step, source) in taken.enumerated() {
            for unit in 0..<3 {
                let value: Double = source.map { expected[$0 * 3 + unit] } ?? 0
                #expect(y[step * 3 + unit] == value)
            }
        }
        #expect(Array(y.suffix(6)) == Array(expected.suffix(6)))
    }

    @Test func weightsAreThoseOfKeras() {
        let weights = LSTM(3).weights(for: [[4, 2]])
        #expect(
            weights.map(\.name) == ["lstm_cell/kernel", "lstm_cell/recurrent_kernel", "lstm_cell/bias"])
        #expect(weights.map(\.shape) == [[2, 12], [3, 12], [12]])
        #expect(weights[2].initialValues(seed: 1, stream: 0).values == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
        let others = LSTM(1, biasInitializer: .constant(5)).weights(for: [[4, 2]])
        #expect(others[2].initialValues(seed: 1, stream: 0).values == [5, 1, 5, 5])
    }

    @Test(
        arguments: [
            [[4]], [[4, 2, 1]], [], [[4, 2], [3]], [[4, 2], [3], [2]], [[4, 2], [3], [3], [3]],
        ] as [[Shape]]) func inputsThatDoNotFit(shapes: [Shape])
    {
        #expect(throws: ShapeError.self) { try Self.everything.outputShape(for: shapes) }
    }

    @Test func integersAreRefused() {
        #expect(throws: ShapeError.self) { try Self.everything.results(for: [TensorSpec([4, 2], .int32)]) }
    }

    @Test func callsWithAllResults() throws {
        let x = Input("x", shape: [4, 2])
        let results = Self.everything.all([x])
        let model = try Model(inputs: [x], outputs: results)
        #expect(model.graph.outputs.count == 3)
        #expect(model.graph.outputs.map { model.graph.spec(of: $0.source).shape } == [[4, 3], [3], [3]])
        #expect(model.graph.summary(name: "m").contains("[(None, 4, 3), (None, 3),"))
    }
}
