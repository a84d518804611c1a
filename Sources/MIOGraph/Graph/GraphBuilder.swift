import MIOBase

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

    /// A distance from the outputs: in calls of Keras, then in those of mio that are within one of Keras.
    private struct Depth: Comparable {
        var calls = 0
        var inner = 0

        static func < (first: Depth, second: Depth) -> Bool {
            (first.calls, first.inner) < (second.calls, second.inner)
        }
    }

    /// Depths of nodes and layers; a shared layer is as deep as its deepest call.
    private func depths(of outputs: [SymbolicTensor]) -> (nodes: [Depth], layers: [Depth]) {
        var nodeDepth = [Depth](repeating: Depth(), count: found.count)
        var layerDepth = [Depth](repeating: Depth(), count: layerOrder.count)
        for output in outputs {
            let node = index(of: output.node)
            nodeDepth[node] = max(nodeDepth[node], Depth(calls: output.leftOut))
        }
        for node in postorder.reversed() {
            let layer = layerIndex(of: node)
            let depth = max(nodeDepth[node], layerDepth[layer])
            layerDepth[layer] = depth
            nodeDepth[node] = depth
            for input in found[node].inputs {
                let parent = index(of: input.node)
                let isInner = found[node].joined != nil && found[node].joined == input.node.joined
                let distance =
                    isInner
                    ? Depth(calls: depth.calls, inner: depth.inner + 1)
                    : Depth(calls: depth.calls + 1 + input.leftOut)
                nodeDepth[parent] = max(nodeDepth[parent], distance)
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

        let depth = depths(of: outputs.map(\.tensor))
        let layerSequence = layerOrder.indices.sorted {
            (depth.layers[$1], $0) < (depth.layers[$0], $1)
        }
        let nodeSequence = found.indices.sorted { (depth.nodes[$1], $0) < (depth.nodes[$0], $1) }
        var firstCalls: [Int: SymbolicNode] = [:]
        for (index, node) in found.enumerated() {
            let layer = layerIndex(of: index)
            if node.number < firstCalls[layer]?.number ?? .max { firstCalls[layer] = node }
        }
        let names = try LayerNames(firstCalls: layerSequence.map { firstCalls[$0]! })
        var newLayer = [Int](repeating: 0, count: layerOrder.count)
        for (new, old) in layerSequence.enumerated() { newLayer[old] = new }

        var assembly = GraphAssembly(
            layers: layerSequence.enumerated().map { (names[$0], firstCalls[$1]!.layer) })
        let inputNumbers = Dictionary(inputNodes.enumerated().map { ($1, $0) }) { first, _ in first }
        var calls = [Int](repeating: 0, count: found.count)
        func source(_ tensor: SymbolicTensor) -> Graph.Outline.Source {
            Graph.Outline.Source(call: calls[index(of: tensor.node)], result: tensor.result)
        }
        for old in nodeSequence {
            let symbolic = found[old]
            calls[old] = try assembly.call(
                symbolic.layer, part: newLayer[layerIndex(of: old)],
                named: nameOfNode[ObjectIdentifier(symbolic)], inputs: symbolic.inputs.map(source),
                modelInput: inputNumbers[old], isInference: symbolic.isInference,
                callMasks: symbolic.masks)
        }
        return try assembly.finish(
            inputs: inputNodes.map { calls[$0] },
            outputs: outputs.map { output in
                let name = output.tensor.name.map { resultName($0, output.tensor.result) }
                return (name: output.name ?? name, source: source(output.tensor))
            })
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

/// As Keras does it (`to_snake_case`): `MaxPooling2D` → `max_pooling2d`.
package func snakeCase(_ name: String) -> String {
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
