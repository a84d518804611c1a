import MIOGraph
import Testing

@Suite struct GraphSummaryTests {
    @Test func imageAndMetadata() throws {
        let graph = try Models.imageMetadata().graph
        #expect(graph.summary(name: "image-metadata") == KerasSummary.image)
    }

    @Test func wrapsInANarrowTerminal() throws {
        let graph = try Models.imageMetadata().graph
        #expect(graph.summary(name: "image-metadata", columns: 80) == KerasSummary.narrow)
    }

    @Test func twoHeads() throws {
        let input = Input("input", shape: [100])
        let kind = Dense(10, activation: .softmax, name: "kind")(
            Dense(32, activation: .relu, name: "kind_hidden")(input))
        let box = Dense(4, activation: .sigmoid, name: "box")(
            Dense(64, activation: .relu, name: "box_hidden")(input))
        let graph = try Model(inputs: [input], outputs: [kind, box]).graph
        #expect(graph.summary(name: "two-heads") == KerasSummary.twoHeads)
    }

    /// A shared layer lists all its calls, a long name is cropped, a frozen layer counts apart.
    @Test func sharedAndFrozenLayers() throws {
        let (a, b) = (Input("a", shape: [5]), Input("b", shape: [5]))
        let shared = Dense(5, name: "shared")
        let joined = Concatenate(name: "all_three")([shared(a), shared(b), shared(a)])
        let frozen = Dense(3, name: "frozen_layer_with_a_rather_long_name", trainable: false)(joined)
        let graph = try Model(inputs: [a, b], outputs: [frozen]).graph
        #expect(graph.summary(name: "shared", columns: 90) == KerasSummary.shared)
    }

    private func chain() throws -> Graph {
        let image = Input("image", shape: [28, 28, 1])
        let pooled = MaxPooling2D(name: "pool")(image)
        let flat = Dropout(0.5, name: "dropout")(Flatten(name: "flatten")(pooled))
        return try Model(inputs: [image], outputs: [Dense(2, name: "answer")(flat)]).graph
    }

    @Test func aChainHasNoConnections() throws {
        #expect(try chain().summary(name: "chain", columns: 100) == KerasSummary.chain)
        #expect(try chain().summary(name: "chain", columns: 60) == KerasSummary.narrowChain)
    }
}
