import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// The two models that everything starts from.
enum Models {
    static func imageMetadata() throws -> Model {
        let image = Input("image", shape: [256, 256, 3])
        let metadata = Input("metadata", shape: [10])
        let features = Flatten()(
            Conv2D(64, kernelSize: 3, activation: .relu)(
                Conv2D(32, kernelSize: 3, activation: .relu)(image)))
        let context = Dense(32, activation: .relu)(Dense(16, activation: .relu)(metadata))
        let answer = Dense(1, activation: .sigmoid, name: "answer")(concatenate([features, context]))
        return try Model(inputs: [image, metadata], outputs: [answer])
    }

    static func twoHeads() throws -> Model {
        let input = Input("input", shape: [100])
        let kind = Dense(10, activation: .softmax, name: "kind")(Dense(32, activation: .relu)(input))
        let box = Dense(4, activation: .sigmoid, name: "box")(Dense(64, activation: .relu)(input))
        return try Model(inputs: [input], outputs: [kind, box])
    }
}

@Suite struct GraphTests {
    @Test func imageMetadataHasKerasShapesAndParameters() throws {
        let graph = try Models.imageMetadata().graph
        #expect(graph.nodes.first { $0.name == "conv2d_1" }?.shape == [252, 252, 64])
        #expect(graph.shape(ofOutput: "answer") == [1])
        // Keras' summary: 896 + 18,496 + 176 + 544 + 4,064,289 parameters.
        #expect(graph.weights.reduce(0) { $0 + $1.shape.count } == 4_084_401)
        #expect(graph.inputs.map(\.name) == ["image", "metadata"])
    }

    /// The order that `keras.Model.layers` gives for the same model (Keras 3).
    @Test func layersAreInKerasOrder() throws {
        let names = try Models.twoHeads().graph.layers.map(\.name)
        #expect(names == ["input", "dense", "dense_1", "kind", "box"])
    }

    @Test func equalModelsAreEqual() throws {
        #expect(try Models.twoHeads() == Models.twoHeads())
        #expect(try Models.twoHeads() != Models.imageMetadata())
    }

    /// Inputs and outputs are lists: their order is that of the data, of the outputs and of Keras' results.
    @Test func theOrderOfInputsAndOutputsCounts() throws {
        func graph(_ reversedInputs: Bool, _ reversedOutputs: Bool) throws -> Graph {
            let a = Input("a", shape: [2])
            let b = Input("b", shape: [2])
            let outputs = [Dense(1, name: "x")(a), Dense(1, name: "y")(b)]
            return try Model(
                inputs: reversedInputs ? [b, a] : [a, b],
                outputs: reversedOutputs ? outputs.reversed() : outputs
            ).graph
        }
        let first = try graph(false, false)
        #expect(try first == graph(false, false))
        #expect(try first.hashValue == graph(false, false).hashValue)
        #expect(try first != graph(true, false))
        #expect(try first != graph(false, true))
    }

    @Test func sharedLayerHasOneSetOfWeights() throws {
        let a = Input("a", shape: [3])
        let b = Input("b", shape: [3])
        let tower = Dense(2, name: "tower")
        let graph = try Model(inputs: [a, b], outputs: [add([tower(a), tower(b)], name: "sum")]).graph
        #expect(graph.weights.map(\.name) == ["tower/kernel", "tower/bias"])
        #expect(graph.nodes.filter { graph.layers[$0.layer].name == "tower" }.count == 2)
    }

    @Test func sharedLayerOnAnotherShapeIsRefused() throws {
        let a = Input("a", shape: [3])
        let b = Input("b", shape: [4])
        let tower = Dense(2, name: "tower")
        let error = #expect(throws: GraphError.self) {
            try Model(inputs: [a, b], outputs: [add([tower(a), tower(b)])])
        }
        #expect(
            error?.description == "layer \"tower/call_1\" (Dense): shares the weights of \"tower\", "
                + "made for (3,), which do not fit (4,)")
    }

    /// As in Keras, whatever the layers' depth.
    @Test func layersAreNamedInTheOrderOfTheirCalls() throws {
        let input = Input("x", shape: [3])
        let trunk = Dense(8)(input)
        let first = Dense(2)(trunk)
        let hidden = Dense(6)(trunk)
        let model = try Model(inputs: [input], outputs: [first, Dense(4)(hidden)])
        #expect(model.graph.outputs.map(\.name) == ["dense_1", "dense_3"])
        #expect(model.graph.layers.map(\.name).sorted() == ["dense", "dense_1", "dense_2", "dense_3", "x"])
    }

    @Test func namingATensorIsNoOtherCall() throws {
        let input = Input("x", shape: [3])
        let dropped = Dropout(0.5)(input)
        let model = try Model(
            inputs: [input], outputs: [Dense(1, name: "y")(dropped), dropped.named("features")])
        #expect(model.graph.nodes.map(\.name).sorted() == ["features", "x", "y"])
        #expect(model.graph.outputs.map(\.name) == ["y", "features"])
        let renamed = try Model(inputs: [input.named("z")], outputs: [Dense(1, name: "y")(input)])
        #expect(renamed.graph.nodes.count == 2)
    }

    @Test func modelIsUsedAsALayer() throws {
        let inner = Input("inner", shape: [3])
        let encoder = try Model(inputs: [inner], outputs: [Dense(2, name: "code")(inner)])
        let a = Input("a", shape: [3])
        let b = Input("b", shape: [3])
        let graph = try Model(
            inputs: [a, b], outputs: [concatenate(encoder(a) + encoder(b), name: "codes")]
        ).graph
        #expect(graph.weights.map(\.name) == ["code/kernel", "code/bias"])
        #expect(graph.shape(ofOutput: "codes") == [4])
    }

    @Test func wrongShapeNamesTheLayerExpectedAndReceived() throws {
        let input = Input("input", shape: [10])
        let error = #expect(throws: GraphError.self) {
            try Model(inputs: [input], outputs: [Conv2D(4, kernelSize: 3, name: "conv")(input)])
        }
        #expect(
            error?.description == "layer \"conv\" (Conv2D): expected one tensor (height, width, channels), "
                + "received (10,)")
    }

    @Test func missingInputIsNamed() throws {
        let a = Input("a", shape: [3])
        let b = Input("b", shape: [3])
        let error = #expect(throws: GraphError.self) { try Model(inputs: [a], outputs: [add([a, b])]) }
        #expect(error?.description.contains("\"b\"") == true)
    }

    @Test func oneNameForTwoLayersIsRefused() throws {
        let a = Input("a", shape: [3])
        let error = #expect(throws: GraphError.self) {
            try Model(inputs: [a], outputs: [Dense(2, name: "d")(Dense(3, name: "d")(a))])
        }
        #expect(error?.description.hasPrefix("layer \"d\": two layers have this name") == true)
    }
}

@Suite struct LayerRegistryTests {
    @Test func unknownClassNamesTheNearest() {
        var reader = ConfigReader(["filters": 3], at: ConfigPath("model.layers[0]"))
        let error = #expect(throws: ConfigError.self) {
            try LayerRegistry.makeLayer(className: "Conv2d", classKey: "class", config: &reader)
        }
        #expect(
            error?.description.hasPrefix(
                "model.layers[0].class: unknown name \"Conv2d\"; did you mean \"Conv2D\"?") == true)
    }
}
