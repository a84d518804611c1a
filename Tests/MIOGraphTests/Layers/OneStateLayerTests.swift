import MIOBase
import MIOGraph
import Testing

/// `GRU` and `SimpleRNN`.
@Suite struct OneStateLayerTests {
    private static let masked: [Double] = [0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0]

    /// One unit, one feature, two steps, by hand.
    @Test func valuesByHand() throws {
        // Gates z, r and the candidate: h ← z · h + (1 − z) · ĥ.
        func run(resetAfter: Bool, bias: [Double]) throws -> [Double] {
            try LayerRun<Double>(
                GRU(
                    1, activation: .linear, recurrentActivation: .linear, returnSequences: true,
                    resetAfter: resetAfter), shapes: [[2, 1]], inputs: [[2, 3]],
                weights: [[1, 2, 3], [1, 1, 1], bias]
            ).forward()
        }
        // Step 0: z 2, r 4 + 1, ĥ 6 + r · 10: h (1 − 2) · 56 = −56.
        // Step 1: z 3 − 56 = −53, r 7 − 56 = −49, ĥ 9 − 49 · (−56 + 10) = 2263: h −53 · −56 + 54 · 2263.
        #expect(try run(resetAfter: true, bias: [0, 1, 0, 0, 0, 10]) == [-56, 125_170])
        // Step 0: ĥ 6: h −6. Step 1: z −3, r 6 + 1 − 6 = 1, ĥ 9 − 6 = 3: h 18 + 4 · 3.
        #expect(try run(resetAfter: false, bias: [0, 1, 0]) == [-6, 30])
        let simple = try LayerRun<Double>(
            SimpleRNN(1, activation: .linear, returnState: true), shapes: [[2, 1]], inputs: [[2, 3]],
            weights: [[5], [2], [1]])
        // 11, then 15 + 22 + 1.
        #expect(simple.forward() == [38, 38])
    }

    static let layers: [any Layer] = [
        GRU(3), GRU(3, useBias: false, returnSequences: true, goBackwards: true),
        GRU(3, returnSequences: true, returnState: true, resetAfter: false),
        GRU(3, activation: .gelu, recurrentActivation: .silu, returnSequences: true, returnState: true),
        GRU(3, activation: .softmax, recurrentActivation: .softmax, returnState: true, resetAfter: false),
        SimpleRNN(3), SimpleRNN(3, useBias: false, returnSequences: true, goBackwards: true),
        SimpleRNN(3, activation: .gelu, returnSequences: true, returnState: true),
    ]

    @Test(arguments: layers.indices) func gradients(index: Int) throws {
        let layer = Self.layers[index]
        for shapes: [Shape] in [[[4, 2]], [[4, 2], [3]]] {
            try checkGradients(of: layer, shapes: shapes, samples: 2, terms: 64)
            try checkFloatAgreesWithDouble(layer, shapes: shapes, samples: 2, terms: 24)
        }
    }

    @Test(arguments: [false, true], [false, true]) func gradientsOfMaskedSteps(zeros: Bool, backwards: Bool)
        throws
    {
        for sequences in [false, true] {
            for layer in [
                GRU(
                    3, returnSequences: sequences, returnState: true, goBackwards: backwards,
                    zeroOutputForMask: zeros),
                SimpleRNN(
                    3, returnSequences: sequences, returnState: true, goBackwards: backwards,
                    zeroOutputForMask: zeros),
            ] as [any Layer] {
                try checkGradients(
                    of: layer, shapes: [[4, 2]], samples: 3, terms: 64, masks: [Self.masked])
                try checkGradients(
                    of: layer, shapes: [[4, 2], [3]], samples: 3, terms: 64, masks: [Self.masked, nil])
            }
        }
    }

    @Test(arguments: [(0.5, 0.0), (0, 0.5), (0.3, 0.6), (1, 1)]) func gradientsWithDropout(
        rates: (Double, Double)
    ) throws {
        for layer in [
            GRU(3, dropout: rates.0, recurrentDropout: rates.1, returnSequences: true),
            GRU(3, dropout: rates.0, recurrentDropout: rates.1, returnSequences: true, resetAfter: false),
            SimpleRNN(3, dropout: rates.0, recurrentDropout: rates.1, returnSequences: true),
        ] as [any Layer] {
            try checkGradients(
                of: layer, shapes: [[4, 5]], samples: 3, terms: 64,
                context: CallContext(training: true, seed: 4, step: 2, firstSample: 7))
        }
    }

    /// The factors depend on the position in the global batch, and are those of whoever computes it.
    @Test func dropoutFollowsTheSample() throws {
        for layer in [
            GRU(4, dropout: 0.5, recurrentDropout: 0.5, returnSequences: true),
            SimpleRNN(4, dropout: 0.5, recurrentDropout: 0.5, returnSequences: true),
        ] as [any Layer] {
            let x = TestNumbers.uniform(4 * 3 * 6, stream: 1)
            let weights = layer.weights(for: [[3, 6]]).enumerated().map {
                TestNumbers.uniform($1.shape.count, stream: 10 + UInt64($0))
            }
            func outputs(_ samples: Range<Int>, step: UInt64 = 0) throws -> [Double] {
                try LayerRun<Double>(
                    layer, shapes: [[3, 6]], samples: samples.count,
                    context: CallContext(
                        training: true, seed: 1, step: step, firstSample: 10 + samples.lowerBound),
                    inputs: [Array(x[samples.lowerBound * 18..<samples.upperBound * 18])], weights: weights
                ).forward()
            }
            let whole = try outputs(0..<4)
            #expect(try outputs(0..<1) + outputs(1..<4) == whole)
            #expect(try outputs(0..<4, step: 1) != whole)
        }
    }

    @Test func weightsAreThoseOfKeras() {
        let gru = GRU(3).weights(for: [[4, 2]])
        #expect(gru.map(\.name) == ["gru_cell/kernel", "gru_cell/recurrent_kernel", "gru_cell/bias"])
        #expect(gru.map(\.shape) == [[2, 9], [3, 9], [2, 9]])
        #expect(GRU(3, resetAfter: false).weights(for: [[4, 2]])[2].shape == [9])
        let simple = SimpleRNN(3).weights(for: [[4, 2]])
        #expect(simple.map(\.name).last == "simple_rnn_cell/bias")
        #expect(simple.map(\.shape) == [[2, 3], [3, 3], [3]])
    }

    @Test(arguments: [[[4]], [[4, 2], [2]], [[4, 2], [3], [3]]] as [[Shape]])
    func inputsThatDoNotFit(shapes: [Shape]) {
        #expect(throws: ShapeError.self) { try GRU(3).outputShape(for: shapes) }
        #expect(throws: ShapeError.self) { try SimpleRNN(3).outputShape(for: shapes) }
    }
}
