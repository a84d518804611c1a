import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// The fast kernel of attention against the plain one.
@Suite struct AttentionKernelTests {
    /// Projections, then sums over keys, then the projection of the result.
    private func tolerance(_ elements: Int) -> Float { MIOKernelsTests.tolerance(sum: elements, layers: 10) }

    /// The softmax over the keys does not change with what is added to all of them alike.
    private static let vanishing: Set = ["y/key/bias"]

    static let layers: [MultiHeadAttention] = [
        MultiHeadAttention(heads: 2, keyDim: 3, name: "y"),
        MultiHeadAttention(heads: 4, keyDim: 16, valueDim: 5, useBias: false, name: "y"),
        MultiHeadAttention(heads: 1, keyDim: 7, outputLength: 9, useCausalMask: true, name: "y"),
        MultiHeadAttention(heads: 2, keyDim: 8, dropout: 0.3, useCausalMask: true, name: "y"),
    ]

    /// A sequence that attends to itself: one tensor is query, value and key.
    @Test(arguments: layers.indices) func selfAttention(index: Int) throws {
        let input = Input("input", shape: [6, 5])
        let hidden = Dense(8, name: "hidden")(input)
        let model = try Model(inputs: [input], outputs: [Self.layers[index]([hidden, hidden])])
        try expectAlike(
            model, planned: 5, passes: [5, 2], tolerance: tolerance(64 * 5), vanishing: Self.vanishing)
    }

    @Test(arguments: layers.indices) func ofThreeInputs(index: Int) throws {
        let (query, value, key) = (
            Input("query", shape: [6, 5]), Input("value", shape: [4, 3]), Input("key", shape: [4, 7])
        )
        let model = try Model(
            inputs: [query, value, key],
            outputs: [
                Self.layers[index]([
                    Dense(8, name: "q")(query), Dense(6, name: "v")(value),
                    Dense(4, useBias: false, name: "k")(key),
                ])
            ])
        try expectAlike(
            model, planned: 5, passes: [5, 3], tolerance: tolerance(64 * 5), vanishing: Self.vanishing)
    }

    @Test(arguments: layers.indices) func withMasks(index: Int) throws {
        let input = Input("input", shape: [6, 5])
        let other = Input("other", shape: [4, 5])
        let (a, b) = (Masking(name: "a")(input), Masking(name: "b")(other))
        let model = try Model(inputs: [input, other], outputs: [Self.layers[index]([a, b])])
        try expectAlike(
            model, planned: 5, passes: [5], tolerance: tolerance(64 * 5), vanishing: Self.vanishing)
    }

    @Test func choosesTheFastOne() throws {
        let backend = try NativeBackend()
        let choice = backend.choose(
            KernelRequest(
                layer: Self.layers[0], inputShapes: [[6, 8], [6, 8]], inputLayouts: [.canonical, .canonical],
                outputShapes: [[6, 8]], samples: 2, sharesWeights: false, needsInputGradients: [true, true],
                trainsWeights: true))
        #expect(choice.kernel.description == "multi-head attention")
    }
}
