import MIOBase

/// Puts a graph together call by call, each after those it takes its inputs from. A nested model's layers come in the
/// place of its call, under its name.
struct GraphAssembly {
    /// A node whose layer has no number yet.
    private struct Place {
        let name: String
        /// Its layer: an index into `parts`, and within a nested model an index into its layers.
        let part: Int
        let inner: Int?
        let inputs: [Graph.Source]
        let results: [TensorSpec]
        let masks: [Mask?]
        let isInference: Bool
        let callMasks: CallMasks
        /// Whether its result is an input of the model, or elements of such at other places.
        let isGiven: Bool
    }

    /// A layer or a nested model.
    private struct Part {
        let name: String
        let layer: any Layer
        var calls = 0
        /// Of the first call.
        var inputs: [Shape] = []
        /// Of a nested model that has been called.
        var graph: Graph?

        var place: String { GraphAssembly.place(name, layer) }
    }

    private var parts: [Part]
    private var calls: [Graph.Outline.Call] = []
    /// By call: where each of its results is.
    private var results: [[Graph.Source]] = []
    private var nodes: [Place] = []
    /// By node: its number among the model's inputs; and the other way around.
    private var inputNumbers: [Int: Int] = [:]
    private var inputNodes: [Int: Int] = [:]
    private var takenNames: Set<String> = []

    /// - Parameter layers: in Keras' order.
    init(layers: [(name: String, layer: any Layer)]) {
        parts = layers.map { Part(name: $0.name, layer: $0.layer) }
    }

    static func place(_ name: String, _ layer: any Layer) -> String {
        "layer \(quoted: name) (\(type(of: layer).className))"
    }

    // MARK: Calls

    /// Adds a call.
    /// - Parameters:
    ///   - layer: the one that is called: a copy of the part's, which may differ in what does not concern its weights.
    ///   - part: an index into the layers.
    ///   - given: the call's name; `nil` for the layer's, or `<layer>/call_1` and so on for later calls.
    ///   - modelInput: its number among the model's inputs if it is one.
    ///   - isInference: whether it computes in training what it does in prediction.
    ///   - callMasks: what it has to do with masks.
    /// - Returns: the call's index.
    mutating func call(
        _ layer: any Layer, part: Int, named given: String?, inputs: [Graph.Outline.Source], modelInput: Int?,
        isInference: Bool, callMasks: CallMasks
    ) throws(GraphError) -> Int {
        let sources = inputs.map { results[$0.call][$0.result] }
        let name =
            given
            ?? (parts[part].calls == 0 ? parts[part].name : "\(parts[part].name)/call_\(parts[part].calls)")
        if let model = layer as? any ModelLayer {
            results.append(
                try expand(model, part: part, name: name, inputs: sources, isInference: isInference))
        } else {
            if let modelInput {
                inputNumbers[nodes.count] = modelInput
                inputNodes[modelInput] = nodes.count
            }
            try addNode(
                layer, named: name, part: part, inputs: sources, isInference: isInference,
                callMasks: callMasks)
            let node = nodes.count - 1
            results.append(nodes[node].results.indices.map { Graph.Source(node: node, result: $0) })
        }
        parts[part].calls += 1
        calls.append(
            Graph.Outline.Call(
                name: name, part: part, inputs: inputs, results: results[calls.count].map(spec),
                isInference: isInference, callMasks: callMasks))
        return calls.count - 1
    }

    private func spec(_ source: Graph.Source) -> TensorSpec { nodes[source.node].results[source.result] }

    private mutating func take(_ name: String, _ place: String) throws(GraphError) {
        guard takenNames.insert(name).inserted else {
            throw GraphError(
                place: place, call: name,
                message: "the name is used twice; every call needs a name of its own")
        }
    }

    private mutating func addNode(
        _ layer: any Layer, named name: String, part: Int, inputs: [Graph.Source], isInference: Bool,
        callMasks: CallMasks
    ) throws(GraphError) {
        let place = Self.place(name, layer)
        try take(name, place)
        let specs = inputs.map(spec)
        let shapes = specs.map(\.shape)
        let results: [TensorSpec]
        let masks: [Mask?]
        do throws(ShapeError) {
            results = try layer.results(for: specs)
            for result in results { try result.shape.checkCount("its result") }
            if layer.activityRegularizer != nil, results.contains(where: { $0.element != .float32 }) {
                throw ShapeError(
                    "has an activity_regularizer, and gives whole numbers, of which the loss can have no term; leave it out"
                )
            }
            try checkIntegers(of: layer, inputs: inputs)
            masks = try self.masks(
                of: layer, results: results.count, inputs: inputs, shapes: shapes, callMasks: callMasks)
            for weight in layer.weights(for: shapes) {
                try weight.shape.checkCount("its weight \(quoted: weight.name)")
                try weight.checkInitializer()
                try weight.checkConstraint()
            }
        } catch {
            throw GraphError(place: place, call: name, message: error.message)
        }
        if parts[part].calls == 0 {
            parts[part].inputs = shapes
        } else if layer.weights(for: shapes) != layer.weights(for: parts[part].inputs) {
            throw GraphError(
                place: place, call: name,
                message: "shares the weights of \(quoted: parts[part].name), made for "
                    + ShapeError.listed(parts[part].inputs) + ", which do not fit "
                    + ShapeError.listed(shapes))
        }
        nodes.append(
            Place(
                name: name, part: part, inner: nil, inputs: inputs, results: results, masks: masks,
                isInference: isInference, callMasks: callMasks, isGiven: isGiven(layer, inputs)))
    }

    /// Whether a call's result is an input of the model, or elements of such.
    private func isGiven(_ layer: any Layer, _ inputs: [Graph.Source]) -> Bool {
        if inputNumbers[nodes.count] != nil { return true }
        return !inputs.isEmpty && inputs.allSatisfy { nodes[$0.node].isGiven }
            && layer.movedElements(of: inputs.map { spec($0).shape }) != nil
    }

    /// Adds the layers of a nested model.
    /// - Returns: where the model's outputs are.
    private mutating func expand(
        _ model: any ModelLayer, part: Int, name: String, inputs: [Graph.Source], isInference: Bool
    ) throws(GraphError) -> [Graph.Source] {
        let place = Self.place(name, model)
        try take(name, place)
        let specs = inputs.map(spec)
        let graph: Graph
        if let known = parts[part].graph {
            graph = known
        } else {
            do { graph = try model.makeGraph(for: specs) } catch {
                throw GraphError(place: "\(place), \(error.place)", call: name, message: error.message)
            }
            parts[part].graph = graph
        }
        let expected = graph.inputs.map { graph.spec(of: $0.source) }
        guard specs == expected else {
            throw GraphError(
                place: place, call: name,
                message: "expected \(listed(expected.map(\.description))), received "
                    + (specs.isEmpty ? "nothing" : listed(specs.map(\.description))))
        }
        let outer = Dictionary(graph.inputs.enumerated().map { ($1.node, inputs[$0]) }) { first, _ in first }
        /// By node of the nested model: where its results are.
        var found: [[Graph.Source]] = []
        for (index, node) in graph.nodes.enumerated() {
            if let source = outer[index] {
                found.append([source])
                continue
            }
            let layer = graph.layers[node.layer].layer
            let innerName = "\(name)/\(node.name)"
            try take(innerName, Self.place(innerName, layer))
            let sources = node.inputs.map { found[$0.node][$0.result] }
            let masks: [Mask?]
            do {
                try checkIntegers(of: layer, inputs: sources)
                masks = try self.masks(
                    of: layer, results: node.results.count, inputs: sources,
                    shapes: graph.inputShapes(of: index), callMasks: node.callMasks)
            } catch {
                throw GraphError(
                    place: Self.place(innerName, layer), call: innerName, message: error.message)
            }
            found.append(node.results.indices.map { Graph.Source(node: nodes.count, result: $0) })
            nodes.append(
                Place(
                    name: innerName, part: part, inner: node.layer, inputs: sources, results: node.results,
                    masks: masks, isInference: isInference || node.isInference, callMasks: node.callMasks,
                    isGiven: isGiven(layer, sources)))
        }
        return graph.outputs.map { found[$0.node][$0.source.result] }
    }

    /// - Throws: `ShapeError` if a layer reads numbers of a range from a computed tensor.
    private func checkIntegers(of layer: any Layer, inputs: [Graph.Source]) throws(ShapeError) {
        for (number, input) in inputs.enumerated() where !nodes[input.node].isGiven {
            guard let range = layer.integerRange(ofInput: number) else { continue }
            throw ShapeError(
                "takes numbers from \(range.lowerBound) to \(range.upperBound - 1), but of a computed tensor; it must "
                    + "read an input of the model itself, or a part of it (as GetItem, Reshape and Concatenate make), so "
                    + "that they are known before a step")
        }
    }

    // MARK: Masks

    /// The masks of a call's results.
    /// - Throws: `ShapeError` for masks that the layer cannot read.
    private func masks(
        of layer: any Layer, results: Int, inputs: [Graph.Source], shapes: [Shape], callMasks: CallMasks
    ) throws(ShapeError) -> [Mask?] {
        let masks = inputs.map { callMasks == .none ? nil : nodes[$0.node].masks[$0.result] }
        if layer.readsMasks, callMasks == .ofLayer {
            try layer.check(
                masks: masks.map { $0?.shape { nodes[inputNodes[$0]!].results[0].shape } }, for: shapes)
        }
        var made: [Mask?] = []
        for result in 0..<results {
            made.append(
                try mask(
                    layer.maskRule(ofResult: result),
                    of: zip(inputs, masks).map { (inputNumbers[$0.node], $1) },
                    shapes))
        }
        return made
    }

    /// The mask of a result.
    /// - Parameter inputs: of each tensor that the call takes: its number among the model's inputs if it is one, and its
    ///   mask.
    private func mask(
        _ rule: MaskRule, of inputs: [(modelInput: Int?, mask: Mask?)], _ shapes: [Shape]
    ) throws(ShapeError) -> Mask? {
        switch rule {
        case .none: return nil
        case .ofInput(let input): return inputs[input].mask
        case .all:
            let masks = inputs.compactMap(\.mask)
            return Set(masks).count <= 1 ? masks.first : .all(masks)
        case .any:
            let masks = inputs.compactMap(\.mask)
            guard masks.count == inputs.count else { return nil }
            let axes = masks.map { $0.shape { nodes[inputNodes[$0]!].results[0].shape } }
            guard Set(axes).count == 1 else {
                throw ShapeError(
                    "its inputs have masks of different shapes, \(ShapeError.listed(axes)); mio joins equal ones only"
                )
            }
            return Set(masks).count == 1 ? masks[0] : .any(masks)
        case .joined(let axis):
            guard inputs.contains(where: { $0.mask != nil }), let rank = shapes.first?.rank else {
                return nil
            }
            let index = axis < 0 ? rank + axis : axis - 1
            guard index < rank - 1 else { return try mask(.any, of: inputs, shapes) }
            return .joined(
                axis: index,
                zip(inputs, shapes).map {
                    Mask.Part(shape: Shape(Array($1.dimensions.dropLast())), mask: $0.mask)
                })
        case .made(let value, let overLastAxis):
            guard let input = inputs.first?.modelInput else {
                throw ShapeError(
                    "its mask depends on a computed tensor; it must read an input of the model itself, so that "
                        + "the positions that count are known before a step")
            }
            return .differs(input: input, value: value, overLastAxis: overLastAxis)
        }
    }

    // MARK: The graph

    /// - Parameters:
    ///   - inputs: the calls of the model's inputs.
    ///   - outputs: their names, if they have one, and the results that they are.
    func finish(inputs: [Int], outputs: [(name: String?, source: Graph.Outline.Source)]) throws(GraphError)
        -> Graph
    {
        var layers: [Graph.LayerEntry] = []
        var models: [Graph.NestedModel] = []
        var outline: [Graph.Outline.Part] = []
        /// By part, and within a nested model by its layers: the index into `layers`.
        var indices: [[Int]] = []
        for part in parts {
            guard let graph = part.graph else {
                outline.append(.layer(layers.count))
                indices.append([layers.count])
                layers.append(
                    Graph.LayerEntry(
                        name: part.name, layer: part.layer, weights: part.layer.weights(for: part.inputs),
                        isTrained: part.layer.attributes.trainable))
                continue
            }
            outline.append(.model(models.count))
            let isTrained = part.layer.attributes.trainable
            let first = layers.count
            indices.append(
                graph.layers.map { entry in
                    if entry.layer.role == .input { return -1 }
                    layers.append(
                        Graph.LayerEntry(
                            name: "\(part.name)/\(entry.name)", layer: entry.layer, weights: entry.weights,
                            isTrained: isTrained && entry.isTrained))
                    return layers.count - 1
                })
            models.append(
                Graph.NestedModel(
                    name: part.name, className: type(of: part.layer).className, graph: graph,
                    isTrained: isTrained, layers: first..<layers.count))
        }
        try checkPaths(layers)
        let outlineOutputs = outputs.map { name, source in
            (name: name ?? resultName(calls[source.call].name, source.result), source: source)
        }
        if let twice = firstDuplicate(outlineOutputs.map(\.name)) {
            throw GraphError(
                place: "output \(quoted: twice)", message: "two outputs have this name; name them apart")
        }
        return Graph(
            layers: layers,
            nodes: nodes.map { node in
                Graph.Node(
                    name: node.name, layer: indices[node.part][node.inner ?? 0], inputs: node.inputs,
                    results: node.results, isInference: node.isInference, callMasks: node.callMasks,
                    masks: node.masks)
            },
            inputs: inputs.map { Graph.Terminal(name: calls[$0].name, source: results[$0][0]) },
            outputs: outlineOutputs.map {
                Graph.Terminal(name: $0.name, source: results[$0.source.call][$0.source.result])
            },
            nestedModels: models,
            outline: Graph.Outline(parts: outline, calls: calls, outputs: outlineOutputs))
    }

    /// A path belongs to one layer, and a layer to one model: its weights have one name.
    private func checkPaths(_ layers: [Graph.LayerEntry]) throws(GraphError) {
        var pathOfLayer: [ObjectIdentifier: String] = [:]
        for entry in layers {
            let identity = ObjectIdentifier(entry.layer.attributes.identity)
            guard let other = pathOfLayer.updateValue(entry.name, forKey: identity) else { continue }
            throw GraphError(
                place: Self.place(entry.name, entry.layer),
                message:
                    "is also \(quoted: other); a layer belongs to one model. Call the model that has it, or "
                    + "make a layer for each")
        }
        if let twice = firstDuplicate(layers.map(\.name)) {
            throw GraphError(
                place: "layer \(quoted: twice)", message: "two layers have this path; name them apart")
        }
    }
}

func firstDuplicate(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
}
