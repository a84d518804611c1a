import MIOTensor

/// Turns symbolic tensors into a `Graph`, in the order that Keras gives layers and calls
/// (`keras/src/ops/function.py`, `map_graph`): by depth, the distance from the outputs, deepest first.
struct GraphBuilder {
    private var found: [SymbolicNode] = []
    private var indexOfNode: [ObjectIdentifier: Int] = [:]
    /// Where a tensor that was met has one.
    private var nameOfNode: [ObjectIdentifier: String] = [:]
    private var postorder: [Int] = []
    private var layerOrder: [ObjectIdentifier] = []
    private var indexOfLayer: [ObjectIdentifier: Int] = [:]

    static func build(
        inputs: [SymbolicTensor], outputs: [(name: String?, tensor: SymbolicTensor)]
    ) throws(GraphError) -> Graph {
        var builder = GraphBuilder()
        for output in outputs { builder.visit(output.tensor) }
        for input in inputs { builder.visit(input) }
        return try builder.finish(inputs: inputs, outputs: outputs)
    }

    /// Depth-first, without recursion: a graph may be deeper than the stack.
    private mutating func visit(_ root: SymbolicTensor) {
        var stack: [(node: SymbolicNode, next: Int)] = []
        if register(root) { stack.append((root.node, 0)) }
        while let (node, next) = stack.last {
            if next < node.inputs.count {
                stack[stack.count - 1].next += 1
                let input = node.inputs[next]
                if register(input) { stack.append((input.node, 0)) }
            } else {
                stack.removeLast()
                postorder.append(indexOfNode[ObjectIdentifier(node)]!)
            }
        }
    }

    /// - Returns: whether the call was not met before.
    private mutating func register(_ tensor: SymbolicTensor) -> Bool {
        let node = tensor.node
        if let name = tensor.name, nameOfNode[ObjectIdentifier(node)] == nil {
            nameOfNode[ObjectIdentifier(node)] = name
        }
        guard indexOfNode[ObjectIdentifier(node)] == nil else { return false }
        indexOfNode[ObjectIdentifier(node)] = found.count
        found.append(node)
        let layer = ObjectIdentifier(node.layer.attributes.identity)
        if indexOfLayer[layer] == nil {
            indexOfLayer[layer] = layerOrder.count
            layerOrder.append(layer)
        }
        return true
    }

    private func index(of node: SymbolicNode) -> Int { indexOfNode[ObjectIdentifier(node)]! }

    private func layerIndex(of node: Int) -> Int {
        indexOfLayer[ObjectIdentifier(found[node].layer.attributes.identity)]!
    }

    /// Depths of nodes and layers; a shared layer is as deep as its deepest call.
    private func depths() -> (nodes: [Int], layers: [Int]) {
        var nodeDepth = [Int](repeating: 0, count: found.count)
        var layerDepth = [Int](repeating: 0, count: layerOrder.count)
        for node in postorder.reversed() {
            let layer = layerIndex(of: node)
            let depth = max(nodeDepth[node], layerDepth[layer])
            layerDepth[layer] = depth
            nodeDepth[node] = depth
            for input in found[node].inputs {
                let parent = index(of: input.node)
                nodeDepth[parent] = max(nodeDepth[parent], depth + 1)
            }
        }
        return (nodeDepth, layerDepth)
    }

    private func finish(
        inputs: [SymbolicTensor], outputs: [(name: String?, tensor: SymbolicTensor)]
    ) throws(GraphError) -> Graph {
        guard !outputs.isEmpty else {
            throw GraphError(place: "model", message: "has no output; name at least one tensor as an output")
        }
        let inputNodes = inputs.map { index(of: $0.node) }
        let declared = Set(inputNodes)
        for (node, symbolic) in found.enumerated() where symbolic.layer.role == .input {
            guard declared.contains(node) else {
                throw GraphError(
                    place: "model",
                    message:
                        "the outputs depend on the input \(quoted: symbolic.layer.attributes.name ?? ""), "
                        + "which is not among the model's inputs; add it to them")
            }
        }
        for (position, node) in inputNodes.enumerated() {
            guard found[node].layer.role == .input else {
                throw GraphError(
                    place: "input \(position)", message: "is not the result of Input(_:shape:); make it one")
            }
        }

        let depth = depths()
        let layerSequence = layerOrder.indices.sorted {
            (-depth.layers[$0], $0) < (-depth.layers[$1], $1)
        }
        let nodeSequence = found.indices.sorted { (-depth.nodes[$0], $0) < (-depth.nodes[$1], $1) }
        var firstCalls: [Int: SymbolicNode] = [:]
        for (index, node) in found.enumerated() {
            let layer = layerIndex(of: index)
            if node.number < firstCalls[layer]?.number ?? .max { firstCalls[layer] = node }
        }
        let names = try LayerNames(firstCalls: layerSequence.map { firstCalls[$0]! })
        var newLayer = [Int](repeating: 0, count: layerOrder.count)
        for (new, old) in layerSequence.enumerated() { newLayer[old] = new }

        var nodes: [Graph.Node] = []
        var newNode = [Int](repeating: 0, count: found.count)
        var calls = [Int](repeating: 0, count: layerOrder.count)
        var firstInputs = [[Shape]](repeating: [], count: layerOrder.count)
        var takenNames: Set<String> = []
        for old in nodeSequence {
            let symbolic = found[old]
            let layer = newLayer[layerIndex(of: old)]
            let sources = symbolic.inputs.map {
                Graph.Source(node: newNode[index(of: $0.node)], result: $0.result)
            }
            let specs = sources.map { nodes[$0.node].results[$0.result] }
            let shapes = specs.map(\.shape)
            let layerName = names[layer]
            let name =
                nameOfNode[ObjectIdentifier(symbolic)]
                ?? (calls[layer] == 0 ? layerName : "\(layerName)/call_\(calls[layer])")
            let place = "layer \(quoted: name) (\(type(of: symbolic.layer).className))"
            guard takenNames.insert(name).inserted else {
                throw GraphError(
                    place: place, call: name,
                    message: "the name is used twice; every call needs a name of its own")
            }
            let results: [TensorSpec]
            let masks: [Mask?]
            do {
                results = try symbolic.layer.results(for: specs)
                if symbolic.layer.readsMasks {
                    try symbolic.layer.check(
                        masks: sources.map { source in
                            nodes[source.node].masks[source.result]?.shape { input in
                                nodes[newNode[inputNodes[input]]].shape
                            }
                        }, for: shapes)
                }
                for result in results { try result.shape.checkCount("its result") }
                masks = try results.indices.map { result throws(ShapeError) in
                    try self.mask(
                        symbolic.layer.maskRule(ofResult: result),
                        of: zip(symbolic.inputs, sources).map {
                            (inputNodes.firstIndex(of: index(of: $0.node)), nodes[$1.node].masks[$1.result])
                        })
                }
                for weight in symbolic.layer.weights(for: shapes) {
                    try weight.shape.checkCount("its weight \(quoted: weight.name)")
                    try weight.checkInitializer()
                    try weight.checkConstraint()
                }
            } catch {
                throw GraphError(place: place, call: name, message: error.message)
            }
            if calls[layer] == 0 {
                firstInputs[layer] = shapes
            } else if symbolic.layer.weights(for: shapes) != symbolic.layer.weights(for: firstInputs[layer]) {
                throw GraphError(
                    place: place, call: name,
                    message: "shares the weights of \(quoted: layerName), made for "
                        + ShapeError.listed(firstInputs[layer]) + ", which do not fit "
                        + ShapeError.listed(shapes))
            }
            calls[layer] += 1
            newNode[old] = nodes.count
            nodes.append(
                Graph.Node(name: name, layer: layer, inputs: sources, results: results, masks: masks))
        }

        let entries = layerSequence.enumerated().map { new, old in
            let layer = firstCalls[old]!.layer
            return Graph.LayerEntry(
                name: names[new], layer: layer, weights: layer.weights(for: firstInputs[new]),
                isTrained: layer.attributes.trainable)
        }
        let outputTerminals = outputs.map { output in
            let source = Graph.Source(
                node: newNode[index(of: output.tensor.node)], result: output.tensor.result)
            return Graph.Terminal(
                name: output.name ?? output.tensor.name ?? nodes[source.node].name, source: source)
        }
        if let twice = firstDuplicate(outputTerminals.map(\.name)) {
            throw GraphError(
                place: "output \(quoted: twice)", message: "two outputs have this name; name them apart")
        }
        return Graph(
            layers: entries, nodes: nodes,
            inputs: inputNodes.map {
                Graph.Terminal(
                    name: nodes[newNode[$0]].name, source: Graph.Source(node: newNode[$0], result: 0))
            },
            outputs: outputTerminals)
    }

    /// The mask of a result.
    /// - Parameter inputs: of each tensor that the call takes: its number among the model's inputs if it is one, and its
    ///   mask.
    private func mask(_ rule: MaskRule, of inputs: [(modelInput: Int?, mask: Mask?)]) throws(ShapeError)
        -> Mask?
    {
        switch rule {
        case .none: return nil
        case .ofInput(let input): return inputs[input].mask
        case .all:
            let masks = inputs.compactMap(\.mask)
            return Set(masks).count <= 1 ? masks.first : .all(masks)
        case .any:
            let masks = inputs.compactMap(\.mask)
            guard masks.count == inputs.count else { return nil }
            return Set(masks).count == 1 ? masks[0] : .any(masks)
        case .made(let value, let overLastAxis):
            guard let input = inputs.first?.modelInput else {
                throw ShapeError(
                    "its mask depends on a computed tensor; it must read an input of the model itself, so that "
                        + "the positions that count are known before a step")
            }
            return .differs(input: input, value: value, overLastAxis: overLastAxis)
        }
    }
}

/// The layers' names: their own, or Keras' `dense`, `dense_1`, … in the order in which they were first called. (Keras
/// counts when they are made: the same, unless layers are made before or within the call of another one.)
private struct LayerNames {
    private let names: [String]

    init(firstCalls: [SymbolicNode]) throws(GraphError) {
        let given = firstCalls.compactMap(\.layer.attributes.name)
        if let twice = firstDuplicate(given) {
            throw GraphError(
                place: "layer \(quoted: twice)",
                message: "two layers have this name; name them apart, or call one layer twice to share it")
        }
        var taken = Set(given)
        var names = firstCalls.map { $0.layer.attributes.name ?? "" }
        let unnamed = firstCalls.indices.filter { firstCalls[$0].layer.attributes.name == nil }
        // By class: the number to try next.
        var numbers: [String: Int] = [:]
        for index in unnamed.sorted(by: { firstCalls[$0].number < firstCalls[$1].number }) {
            let base = snakeCase(type(of: firstCalls[index].layer).className)
            var number = numbers[base] ?? 0
            var name: String
            repeat {
                name = number == 0 ? base : "\(base)_\(number)"
                number += 1
            } while !taken.insert(name).inserted
            numbers[base] = number
            names[index] = name
        }
        self.names = names
    }

    subscript(layer: Int) -> String { names[layer] }
}

private func firstDuplicate(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
}

/// As Keras does it (`to_snake_case`): `MaxPooling2D` → `max_pooling2d`.
func snakeCase(_ name: String) -> String {
    var result = ""
    var previous: Character?
    let characters = Array(name)
    for (index, character) in characters.enumerated() {
        let next = index + 1 < characters.count ? characters[index + 1] : nil
        if character.isUppercase, let previous,
            previous.isLowercase || (!previous.isNumber && next?.isLowercase == true)
        {
            result += "_"
        }
        result += character.lowercased()
        previous = character
    }
    return result
}
