import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// Models that are layers of other ones.
@Suite struct NestedModelTests {
    /// An encoder of two results with a model in it, called twice; a sequence, called twice.
    private static func model(innerTrains: Bool = true) throws -> Model {
        let code = Input("x", shape: [5])
        let inner = try Model(
            inputs: [code], outputs: [Dense(4, activation: .tanh, name: "d")(code)], name: "inner",
            trainable: innerTrains)
        let x = Input("x", shape: [6])
        let hidden = Dense(5, activation: .tanh, name: "d")(x)
        let encoder = try Model(
            inputs: [x], outputs: inner(hidden) + [Dense(3, name: "e")(hidden)], name: "encoder")
        let tower = Sequential([Dense(6, name: "d"), Dense(4, name: "last")], name: "tower")

        let (left, right, extra) = (
            Input("left", shape: [6]), Input("right", shape: [6]), Input("extra", shape: [3])
        )
        let (first, again) = (encoder(left), encoder(right))
        let near = tower(Concatenate(name: "near")([first[0], again[1], extra]))
        let far = tower(Concatenate(name: "far")([again[0], first[1], extra]))
        let kind = Dense(5, activation: .softmax, name: "kind")(add([near, far], name: "both"))
        return try Model(
            inputs: [left, right, extra], outputs: [kind, Dense(2, name: "box")(far)])
    }

    // MARK: Names

    /// Keras' order of `model.weights`; each path with the names of the models around it.
    @Test func weightsHavePaths() throws {
        let graph = try Self.model().graph
        #expect(
            graph.weights.map(\.name) == [
                "encoder/d/kernel", "encoder/d/bias", "encoder/inner/d/kernel", "encoder/inner/d/bias",
                "encoder/e/kernel", "encoder/e/bias", "tower/d/kernel", "tower/d/bias", "tower/last/kernel",
                "tower/last/bias", "kind/kernel", "kind/bias", "box/kernel", "box/bias",
            ])
        #expect(graph.nestedModels.map(\.name) == ["encoder", "tower"])
        #expect(graph.nestedModels.map(\.className) == ["Functional", "Sequential"])
        #expect(graph.nestedModels[0].graph.nestedModels.map(\.name) == ["inner"])
    }

    /// Each layer once, each call under the name of its model's call.
    @Test func aModelCalledTwiceSharesItsWeights() throws {
        let graph = try Self.model().graph
        let calls = graph.nodes.filter { graph.layers[$0.layer].name == "encoder/inner/d" }
        #expect(calls.map(\.name).sorted() == ["encoder/call_1/inner/d", "encoder/inner/d"])
        #expect(Set(graph.nodes.map(\.name)).count == graph.nodes.count)
        #expect(graph.outputs.map(\.name) == ["kind", "box"])
    }

    /// The results are outputs too, under the call's name.
    @Test func resultsOfAModelAreOutputs() throws {
        let x = Input("x", shape: [3])
        let heads = try Model(
            inputs: [x], outputs: [Dense(2, name: "a")(x), Dense(1, name: "b")(x)], name: "heads")
        let input = Input("input", shape: [3])
        let graph = try Model(inputs: [input], outputs: heads(input)).graph
        #expect(graph.outputs.map(\.name) == ["heads", "heads:1"])
        #expect(graph.shape(ofOutput: "heads:1") == [1])
        let named = try Model(inputs: [input], outputs: heads(input).map { $0.named("answer") }).graph
        #expect(named.outputs.map(\.name) == ["answer", "answer:1"])
        #expect(named.nodes.map(\.name) == ["input", "answer/a", "answer/b"])
        #expect(named.weights.map(\.name).first == "heads/a/kernel")
    }

    @Test func unnamedModelsAreNamedAsInKeras() throws {
        let x = Input("x", shape: [3])
        let backbone = try Model(inputs: [x], outputs: [Dense(2)(x)])
        let whole = Sequential([backbone, Sequential([Dense(4), Dense(1)]), Dense(1)])
        let input = Input("input", shape: [3])
        let graph = try Model(inputs: [input], outputs: [whole(input)]).graph
        #expect(
            graph.layers.map(\.name) == [
                "input", "sequential/functional/dense", "sequential/sequential/dense",
                "sequential/sequential/dense_1", "sequential/dense",
            ])
    }

    /// A nested model's layers have random numbers of their own, which its place does not change.
    @Test func anotherLayerChangesNoCallsName() throws {
        let x = Input("x", shape: [3])
        let dropping = Sequential([Dense(2, name: "d"), Dropout(0.5, name: "drop")], name: "s")
        let before = try Model(inputs: [x], outputs: [Dense(1, name: "y")(dropping(x))]).graph
        let after = try Model(
            inputs: [x], outputs: [Dense(1, name: "y")(dropping(Dense(3, name: "new")(x)))]
        ).graph
        #expect(before.nodes.map(\.name) == ["x", "s/d", "s/drop", "y"])
        #expect(after.nodes.map(\.name) == ["x", "new", "s/d", "s/drop", "y"])
    }

    // MARK: Text

    @Test func theCanonicalTextKeepsTheModels() throws {
        let (model, same) = (try Self.model(), try Self.model())
        #expect(model == same)
        let text = model.graph.canonical.json()
        for className in ["Functional", "Sequential"] { #expect(text.contains("\"\(className)\"")) }
        #expect(try model != Self.model(innerTrains: false))
    }

    /// Without nested models every word of the text is that of before them.
    @Test func theCanonicalTextOfAFlatModelIsUnchanged() throws {
        let (a, b) = (Input("a", shape: [3]), Input("b", shape: [3]))
        let tower = Dense(2, name: "tower", trainable: false)
        let graph = try Model(
            inputs: [a, b], outputs: [add([tower(a).named("left"), tower(b)], name: "y")]
        ).graph
        let text = graph.canonical.json().replacing(": ", with: ":").replacing(", ", with: ",")
        #expect(
            text.hasPrefix(
                #"{"inputs":{"a":{"shape":[3]},"b":{"shape":[3]}},"layers":[{"name":"left","layer":"tower","class":"Dense","inputs":["a"],"units":2,"#
            ))
        #expect(
            text.hasSuffix(
                #""trainable":false},{"name":"tower/call_1","layer":"tower","inputs":["b"]},{"name":"y","class":"Add","inputs":["left","tower/call_1"]}],"outputs":{"y":"y"}}"#
            ))
    }

    @Test func theSummaryIsKeras() throws {
        let graph = try Self.model(innerTrains: false).graph
        #expect(graph.summary(name: "nested") == NestedKerasSummary.models)
        #expect(graph.summary(name: "nested", expandNested: true) == NestedKerasSummary.expanded)
        let x = Input("x", shape: [6])
        let tower = Sequential(
            [Dense(3, name: "d"), Dense(2, name: "a_layer_with_a_long_long_long_long_long_name")],
            name: "tower")
        let chain = try Model(inputs: [x], outputs: [tower(Dense(4, name: "first")(x))]).graph
        #expect(chain.summary(name: "chain", expandNested: true) == NestedKerasSummary.chain)
    }

    // MARK: Freezing

    private func frozen(_ graph: Graph) -> [String] {
        graph.weights.filter { $0.role == .frozen }.map(\.name)
    }

    @Test func aNestedModelFreezesItsLayers() throws {
        #expect(
            frozen(try Self.model(innerTrains: false).graph) == [
                "encoder/inner/d/kernel", "encoder/inner/d/bias",
            ])
    }

    @Test func layersAreFrozenByPath() throws {
        let graph = try Self.model().graph
        #expect(
            graph.freezablePaths == [
                "encoder", "encoder/d", "encoder/inner", "encoder/inner/d", "encoder/e", "near", "far",
                "tower", "tower/d", "tower/last", "both", "kind", "box",
            ])
        let some = graph.freezing { $0 == "encoder/inner" || $0 == "tower/last" }
        #expect(
            frozen(some) == [
                "encoder/inner/d/kernel", "encoder/inner/d/bias", "tower/last/kernel", "tower/last/bias",
            ])
        #expect(some != graph)
        #expect(some.weights.map(\.name) == graph.weights.map(\.name))
        #expect(some == graph.freezing { ["encoder/inner", "tower/last"].contains($0) })
        #expect(frozen(graph.freezing { $0 == "encoder" }).count == 6)
    }

    // MARK: What is refused

    private func message(_ make: () throws -> Void) -> String? {
        #expect(throws: GraphError.self) { try make() }?.description
    }

    @Test func aCallOnAnotherShapeIsRefused() throws {
        let x = Input("x", shape: [6])
        let encoder = try Model(inputs: [x], outputs: [Dense(2, name: "d")(x)], name: "encoder")
        let tower = Sequential([Dense(2)], name: "tower")
        let (a, b) = (Input("a", shape: [6]), Input("b", shape: [7]))
        #expect(
            message { _ = try Model(inputs: [a, b], outputs: encoder(b)) }
                == "layer \"encoder\" (Functional): expected (6,), received (7,)")
        #expect(
            message { _ = try Model(inputs: [a, b], outputs: [add([tower(a), tower(b)])]) }
                == "layer \"tower/call_1\" (Sequential): expected (6,), received (7,)")
        let words = Input("words", shape: [6], dtype: .int32)
        #expect(
            message { _ = try Model(inputs: [words], outputs: encoder(words)) }
                == "layer \"encoder\" (Functional): expected (6,), received (6,) of int32")
    }

    @Test func aLayerBelongsToOneModel() throws {
        let shared = Dense(2, name: "d")
        let x = Input("x", shape: [3])
        let encoder = try Model(inputs: [x], outputs: [shared(x)], name: "encoder")
        let a = Input("a", shape: [3])
        #expect(
            message { _ = try Model(inputs: [a], outputs: [add(encoder(a) + [shared(a)])]) }
                == "layer \"d\" (Dense): is also \"encoder/d\"; a layer belongs to one model. Call the model that "
                + "has it, or make a layer for each")
    }

    @Test func pathsAreUnique() throws {
        let x = Input("x", shape: [3])
        let encoder = try Model(inputs: [x], outputs: [Dense(2, name: "d")(x)], name: "encoder")
        let a = Input("a", shape: [3])
        #expect(
            message {
                _ = try Model(inputs: [a], outputs: [add(encoder(a) + [Dense(2, name: "encoder/d")(a)])])
            }?
            .hasSuffix("(Dense): the name is used twice; every call needs a name of its own") == true)
    }

    @Test func aSequenceTakesOneTensorAndHasEachLayerOnce() throws {
        let (a, b) = (Input("a", shape: [3]), Input("b", shape: [3]))
        let tower = Sequential([Dense(3, name: "d")], name: "tower")
        #expect(
            message { _ = try Model(inputs: [a, b], outputs: [tower.asLayer([a, b])]) }
                == "layer \"tower\" (Sequential), its inputs: expected one tensor, received 2; join them, or write a "
                + "functional model")
        let layer = Dense(3, name: "d")
        #expect(
            message {
                _ = try Model(inputs: [a], outputs: [Sequential([layer, layer], name: "twice")(a)])
            }
                == "layer \"twice\" (Sequential), layer \"d\" (Dense): stands twice in the Sequential; to share "
                + "weights write a functional model that calls it twice")
        #expect(
            message { _ = try Model(inputs: [a], outputs: [Sequential([], name: "none")(a)]) }
                == "layer \"none\" (Sequential), its layers: there are none")
        #expect(
            message {
                _ = try Model(
                    inputs: [a], outputs: [Sequential([Conv2D(2, kernelSize: 3, name: "c")], name: "s")(a)])
            }?.hasPrefix("layer \"s\" (Sequential), layer \"c\" (Conv2D): expected one tensor") == true)
    }
}
