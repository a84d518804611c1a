import MIOBase
import MIOGraph
import MIOPlan
import Testing

private func plan(_ model: Model, absorbing: [Activation?], trained: [Bool]? = nil, samples: Int = 2) -> Plan
{
    let outputs = zip(model.graph.outputs, absorbing).enumerated().map { index, pair in
        PlanRequest.OutputRequest(name: pair.0.name, absorbs: pair.1, trained: trained?[index] ?? true)
    }
    return Plan(
        PlanRequest(graph: model.graph, outputs: outputs, samples: samples, bucketElements: 1),
        backend: ReferenceBackend())
}

@Suite struct PlanTests {
    private func twoHeads() throws -> Model {
        let input = Input("input", shape: [100])
        let kind = Dense(10, activation: .softmax, name: "kind")(
            Dense(32, activation: .relu, name: "kind_hidden")(input))
        let box = Dense(4, activation: .sigmoid, name: "box")(
            Dense(64, activation: .relu, name: "box_hidden")(input))
        return try Model(inputs: [input], outputs: [kind, box])
    }

    @Test func lossAbsorbsTheActivationItPrefers() throws {
        let plan = try plan(twoHeads(), absorbing: [.softmax, nil])
        #expect(plan.outputs.map(\.absorbed) == [.softmax, nil])
        #expect(plan.outputs[0].predictions != plan.outputs[0].tensor)
        #expect(plan.outputs[1].predictions == plan.outputs[1].tensor)
        let kind = plan.operations.first { $0.name == "kind" }
        guard case .layer(let layer, _, _)? = kind?.work, let dense = layer as? Dense else {
            Issue.record("no Dense")
            return
        }
        #expect(dense.activation == .linear)
    }

    @Test func absorbedActivationStaysForOtherReaders() throws {
        let input = Input("input", shape: [6])
        let kind = Dense(3, activation: .softmax, name: "kind")(input)
        let box = Dense(4, name: "box")(kind)
        let plan = plan(try Model(inputs: [input], outputs: [kind, box]), absorbing: [.softmax, nil])
        #expect(plan.operations.map(\.name) == ["kind", "kind/softmax", "box"])
        // The output writes the logits' gradient, the softmax's backward adds what comes from `box`.
        #expect(plan.outputs[0].gradient == .first)
        #expect(plan.operations[1].inputGradients == [.adds])
    }

    /// An output under two names: a loss of logits keeps them, whoever else reads the output's values.
    @Test(arguments: [true, false]) func absorbedActivationStaysForOtherLosses(trained: Bool) throws {
        let input = Input("input", shape: [6])
        let kind = Dense(3, activation: .softmax, name: "kind")(input)
        let model = try Model(
            inputs: [input], namedOutputs: [(name: "kind", tensor: kind), (name: "shares", tensor: kind)])
        let plan = plan(model, absorbing: [.softmax, nil], trained: [true, trained])
        #expect(plan.operations.map(\.name) == ["kind", "kind/softmax"])
        #expect(plan.outputs.map(\.absorbed) == [.softmax, nil])
        #expect(plan.outputs[0].tensor != plan.outputs[1].tensor)
        #expect(plan.operations[1].hasBackward == trained)
    }

    @Test func gradientsAreOrderedByCompletion() throws {
        let plan = try plan(twoHeads(), absorbing: [.softmax, nil])
        #expect(
            plan.weights.map(\.name) == [
                "box/kernel", "box/bias", "kind/kernel", "kind/bias", "box_hidden/kernel", "box_hidden/bias",
                "kind_hidden/kernel", "kind_hidden/bias",
            ])
        var end = 0
        for bucket in plan.buckets {
            #expect(bucket.range.lowerBound == end)
            end = bucket.range.upperBound
        }
        #expect(end == plan.trainedElements)
        #expect(plan.buckets.map(\.completedBy) == plan.buckets.map(\.completedBy).sorted(by: >))
    }

    @Test func bucketsAreOfOutputsAndLayers() throws {
        func contents(_ model: Model, _ absorbing: [Activation?], trained: [Bool]? = nil) -> [String] {
            plan(model, absorbing: absorbing, trained: trained).bucketContents.map {
                "\($0.outputs.joined(separator: "+")): \($0.layers.joined(separator: ", "))"
            }
        }
        #expect(
            try contents(twoHeads(), [.softmax, nil]) == [
                "box: box", "box: box", "kind: kind", "kind: kind", "box: box_hidden", "box: box_hidden",
                "kind: kind_hidden", "kind: kind_hidden",
            ])
        // A trunk is of both outputs, unless one of them is not trained.
        let input = Input("input", shape: [6])
        let trunk = Dense(8, useBias: false, name: "trunk")(input)
        let model = try Model(
            inputs: [input],
            outputs: [
                Dense(3, useBias: false, name: "kind")(Flatten(name: "flat")(trunk)),
                Dense(4, useBias: false, name: "box")(trunk),
            ])
        #expect(contents(model, [nil, nil]) == ["box: box", "kind: kind", "kind+box: trunk"])
        #expect(contents(model, [nil, nil], trained: [false, true]) == ["box: box", "box: trunk"])
        // One bucket of everything.
        let whole = Plan(
            PlanRequest(
                graph: model.graph,
                outputs: ["kind", "box"].map {
                    PlanRequest.OutputRequest(name: $0, absorbs: nil, trained: true)
                },
                samples: 2),
            backend: ReferenceBackend())
        #expect(whole.bucketContents.map(\.outputs) == [["kind", "box"]])
        #expect(whole.bucketContents.map(\.layers) == [["box", "kind", "trunk"]])
    }

    @Test func inputsGetNoGradient() throws {
        let plan = try plan(twoHeads(), absorbing: [nil, nil])
        #expect(plan.tensors[plan.inputs[0]].gradientOffset == nil)
        #expect(plan.operations[0].inputGradients == [.none])
    }

    @Test func untrainedOutputAndFrozenLayersHaveNoBackward() throws {
        let input = Input("input", shape: [6])
        let trunk = Dense(5, name: "trunk", trainable: false)(input)
        let model = try Model(
            inputs: [input], outputs: [Dense(3, name: "a")(trunk), Dense(2, name: "b")(trunk)])
        let plan = plan(model, absorbing: [nil, nil], trained: [true, false])
        #expect(plan.weights.filter(\.trainable).map(\.name) == ["a/kernel", "a/bias"])
        #expect(plan.operations.filter(\.hasBackward).map(\.name) == ["a"])
    }

    @Test func flattenAndConcatenateMoveNothing() throws {
        let image = Input("image", shape: [4, 4, 3])
        let metadata = Input("metadata", shape: [5])
        let joined = concatenate([Flatten()(Conv2D(8, kernelSize: 3, name: "conv")(image)), metadata])
        let model = try Model(inputs: [image, metadata], outputs: [Dense(1, name: "answer")(joined)])
        let plan = plan(model, absorbing: [nil])
        #expect(plan.operations.map(\.name) == ["conv", "answer"])
        #expect(plan.operations[1].inputs.count == 2)
        #expect(plan.operations[1].inputGradients == [.first, .none])
    }

    @Test func sharedLayerAddsToItsGradient() throws {
        let a = Input("a", shape: [3])
        let b = Input("b", shape: [3])
        let tower = Dense(2, name: "tower")
        let model = try Model(inputs: [a, b], outputs: [add([tower(a), tower(b)], name: "sum")])
        let plan = plan(model, absorbing: [nil])
        #expect(plan.operations.map { $0.weightGradients.first } == [.adds, .first, nil])
        #expect(plan.buckets.last?.completedBy == 0)
    }

    /// Tensors that are alive at one moment never overlap: replays the plan's own moments.
    @Test func livingTensorsDoNotOverlap() throws {
        let plan = try plan(twoHeads(), absorbing: [.softmax, nil], samples: 7)
        let hidden = plan.operations.filter { $0.name.hasSuffix("hidden") }.map(\.output)
        let ranges = hidden.map { index in
            plan.tensors[index].offset..<plan.tensors[index].offset + plan.tensors[index].elements * 7
        }
        #expect(!ranges[0].overlaps(ranges[1]))
    }

    @Test func equalRequestsGiveEqualPlans() throws {
        let first = try plan(twoHeads(), absorbing: [.softmax, nil])
        let second = try plan(twoHeads(), absorbing: [.softmax, nil])
        #expect(first.description == second.description)
        #expect(first.description != (try plan(twoHeads(), absorbing: [nil, nil])).description)
    }

    /// A tensor has the type that the graph gives it, under every shape, and places are bytes.
    @Test func tensorsKnowTheirElements() throws {
        let (words, numbers) = (Input("words", shape: [3], dtype: .int32), Input("numbers", shape: [5]))
        let vectors = Flatten(name: "flat")(Embedding(7, 4, name: "table")(words))
        let plan = plan(
            try Model(
                inputs: [words, numbers],
                outputs: [Dense(2, name: "y")(Concatenate(name: "joined")([vectors, numbers]))]),
            absorbing: [nil])
        let ofWords = plan.tensors.filter { $0.element == .int32 }
        #expect(ofWords.map(\.name) == ["words"])
        #expect(plan.tensors[plan.inputs[0]].element == .int32)
        #expect(plan.tensors[plan.inputs[0]].gradientOffset == nil)
        // (2 samples, 3 integers) and (2 samples, 5 floats) are a cache line each; the table's result is 2 · 3 · 4 floats.
        for tensor in plan.tensors {
            #expect(tensor.offset % 64 == 0 && (tensor.gradientOffset ?? 0) % 64 == 0)
        }
        #expect(plan.arenaBytes % 64 == 0 && plan.arenaBytes >= 2 * 4 * (3 + 5 + 12 + 2))
        #expect(plan.description.contains("words (3,) of int32"))
        #expect(plan.description.contains("arena of \(plan.arenaBytes) bytes"))
    }
}

@Suite struct LayoutTests {
    @Test func blockedOffsetsAreAPermutationIntoPaddedMemory() {
        let image: Shape = [2, 3, 20]
        var seen: Set<Int> = []
        var canonical: Set<Int> = []
        Layout.forEachBlocked(image, block: 16) {
            canonical.insert($0)
            seen.insert($1)
        }
        #expect(canonical == Set(0..<120))
        #expect(seen.count == 120)
        #expect(seen.max()! < Layout.channelBlocked(block: 16).elements(of: image))
        #expect(Layout.channelBlocked(block: 16).elements(of: image) == 2 * 3 * 32)
    }
}
