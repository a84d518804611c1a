import MIOBase
import MIOGraph
import Testing

@Suite struct AttentionTests {
    static let layers: [any Layer] = [
        MultiHeadAttention(heads: 2, keyDim: 3),
        MultiHeadAttention(heads: 3, keyDim: 2, valueDim: 4, useBias: false),
        MultiHeadAttention(heads: 2, keyDim: 3, outputLength: 5, useCausalMask: true), Attention(),
        Attention(useScale: true, useCausalMask: true), Attention(useScale: true, scoreMode: .concat),
        Attention(scoreMode: .concat), AdditiveAttention(), AdditiveAttention(useScale: false),
    ]

    private static let queryMask: [Double] = [1, 0, 1, 0, 0, 1]
    private static let valueMask: [Double] = [1, 0, 1, 0, 0, 0, 0, 1]

    /// One query of two keys, by hand.
    @Test func valuesByHand() throws {
        // Scores 0 and ln 3: shares 1/4 and 3/4.
        let run = try LayerRun<Double>(
            Attention(), shapes: [[1, 1], [2, 2], [2, 1]],
            inputs: [[1], [8, 4, 16, 0], [0, Double.log(3)]], weights: [])
        let y = run.forward()
        #expect(abs(y[0] - 14) < 1e-13 && abs(y[1] - 1) < 1e-13)
        // Additive: scores tanh(0) and 2 · tanh(1), of a factor of 2.
        let share = 1 / (1 + Double.exp(2 * Double.tanh(1)))
        let additive = try LayerRun<Double>(
            AdditiveAttention(), shapes: [[1, 1], [2, 1]], inputs: [[1], [-1, 0]], weights: [[2]])
        #expect(abs(additive.forward()[0] + share) < 1e-13)
    }

    @Test(arguments: layers.indices) func gradients(index: Int) throws {
        let layer = Self.layers[index]
        let isMultiHead = layer is MultiHeadAttention
        for shapes: [Shape] in [
            [[3, 4], [4, 4]], isMultiHead ? [[3, 4], [4, 2], [4, 5]] : [[3, 4], [4, 2], [4, 4]],
        ] {
            try checkGradients(of: layer, shapes: shapes, samples: 2, terms: 96)
            try checkFloatAgreesWithDouble(layer, shapes: shapes, samples: 2, terms: 64)
            try checkGradients(
                of: layer, shapes: shapes, samples: 2, terms: 96,
                masks: [Self.queryMask, Self.valueMask] + (shapes.count > 2 ? [Self.valueMask] : []))
        }
    }

    @Test func gradientsWithDropout() throws {
        for layer in [
            MultiHeadAttention(heads: 2, keyDim: 3, dropout: 0.4), Attention(dropout: 0.4),
            AdditiveAttention(dropout: 0.4),
        ] as [any Layer] {
            try checkGradients(
                of: layer, shapes: [[3, 4], [4, 4]], samples: 2, terms: 96,
                context: CallContext(training: true, seed: 4, step: 2, firstSample: 7))
        }
    }

    /// What a mask leaves out changes nothing for those that it lets count.
    @Test(arguments: layers.indices) func maskedKeysDoNotCount(index: Int) throws {
        let layer = Self.layers[index]
        let shapes: [Shape] = [[3, 4], [4, 4]]
        let weights = layer.weights(for: shapes).enumerated().map {
            TestNumbers.uniform($1.shape.count, stream: 10 + UInt64($0))
        }
        let query = TestNumbers.uniform(12, stream: 1)
        var value = TestNumbers.uniform(16, stream: 2)
        func outputs() throws -> [Double] {
            try LayerRun<Double>(
                layer, shapes: shapes, inputs: [query, value], weights: weights, masks: [nil, [1, 1, 0, 1]]
            ).forward()
        }
        let before = try outputs()
        for i in 8..<12 { value[i] = 1000 }
        #expect(try outputs() == before)
    }

    /// Under a causal mask a later key changes no earlier query's result.
    @Test func causalMasks() throws {
        for layer in [
            MultiHeadAttention(heads: 2, keyDim: 3, useCausalMask: true), Attention(useCausalMask: true),
        ] as [any Layer] {
            let shapes: [Shape] = [[3, 4], [3, 4]]
            let weights = layer.weights(for: shapes).enumerated().map {
                TestNumbers.uniform($1.shape.count, stream: 10 + UInt64($0))
            }
            var x = TestNumbers.uniform(12, stream: 1)
            func outputs() throws -> [Double] {
                try LayerRun<Double>(layer, shapes: shapes, inputs: [x, x], weights: weights).forward()
            }
            let before = try outputs()
            for i in 8..<12 { x[i] = 7 }
            let after = try outputs()
            #expect(Array(after.prefix(8)) == Array(before.prefix(8)))
            #expect(Array(after.suffix(4)) != Array(before.suffix(4)))
        }
    }

    @Test func weightsAreThoseOfKeras() {
        let weights = MultiHeadAttention(heads: 2, keyDim: 3, valueDim: 4).weights(for: [[3, 5], [4, 6]])
        #expect(
            weights.map(\.name) == [
                "query/kernel", "query/bias", "key/kernel", "key/bias", "value/kernel", "value/bias",
                "attention_output/kernel", "attention_output/bias",
            ])
        #expect(
            weights.map(\.shape) == [
                [5, 2, 3], [2, 3], [6, 2, 3], [2, 3], [6, 2, 4], [2, 4], [2, 4, 5], [5],
            ])
        #expect(
            Attention(useScale: true, scoreMode: .concat).weights(for: [[3, 5], [4, 5]]).map(\.shape) == [
                [], [],
            ])
    }

    @Test func inputsThatDoNotFit() {
        for shapes: [Shape] in [
            [[3, 4]], [[3, 4], [4]], [[3, 4], [4, 4], [5, 4]], [[3, 4], [4, 4], [4, 4], [4, 4]],
        ] {
            #expect(throws: ShapeError.self) {
                try MultiHeadAttention(heads: 2, keyDim: 3).outputShape(for: shapes)
            }
            #expect(throws: ShapeError.self) { try Attention().outputShape(for: shapes) }
        }
        #expect(throws: ShapeError.self) { try Attention().outputShape(for: [[3, 4], [4, 5]]) }
        #expect(throws: ShapeError.self) {
            try Attention().check(masks: [nil, [4, 4]], for: [[3, 4], [4, 4]])
        }
    }
}
