import MIOGraph
import MIOTensor

extension Plan {
    /// Plans a step. Never fails: the graph has been checked.
    public init(_ request: PlanRequest, backend: some Backend) {
        var lowering = Lowering(request, backend: backend)
        lowering.emitOperations()
        lowering.emitHeads()
        self = Scheduling(lowering, request).plan(backend: backend.name)
    }
}

/// From calls to operations: which layers run, on which layouts, what is only renamed, and where a loss takes
/// over an activation.
struct Lowering {
    struct Draft {
        let name: String
        let work: Plan.Work
        let inputs: [Int]
        let output: Int
        /// Indices in `Graph.parameters`.
        let weights: [Int]
    }

    struct TensorDraft {
        let name: String
        let shape: Shape
        let layout: Layout
        /// The tensor whose memory this one names again; itself otherwise.
        let root: Int
    }

    let graph: Graph
    private let request: PlanRequest
    private let backend: any Backend
    private(set) var tensors: [TensorDraft] = []
    private(set) var operations: [Draft] = []
    private(set) var inputs: [Int] = []
    private(set) var heads: [Plan.Head] = []
    /// What each node became: one tensor, or several that a Concatenate would have joined.
    private var parts: [[Int]]
    private var reordered: [Int: Int] = [:]
    /// The roots of the tensors that depend on a trainable weight.
    private var dependent: Set<Int> = []
    private let consumers: [[Int]]
    private let firstParameter: [Int]
    private let callsOfLayer: [Int]
    /// For the node of each output: what each head on it would absorb. An output may have several names, and each a
    /// loss.
    private let wishes: [Int: [Activation?]]
    /// For a head's node whose activation a loss absorbs: the tensor of its logits.
    private var logits: [Int: Int] = [:]

    init(_ request: PlanRequest, backend: some Backend) {
        self.request = request
        self.backend = backend
        let graph = request.graph
        self.graph = graph
        parts = [[Int]](repeating: [], count: graph.nodes.count)
        var consumers = [[Int]](repeating: [], count: graph.nodes.count)
        var calls = [Int](repeating: 0, count: graph.layers.count)
        for (index, node) in graph.nodes.enumerated() {
            calls[node.layer] += 1
            for input in node.inputs { consumers[input].append(index) }
        }
        self.consumers = consumers
        wishes = Dictionary(zip(graph.outputs, request.heads).map { ($0.node, [$1.absorbs]) }) { $0 + $1 }
        callsOfLayer = calls
        var count = 0
        firstParameter = graph.layers.map { entry in
            defer { count += entry.weights.count }
            return count
        }
    }

    // MARK: Operations

    mutating func emitOperations() {
        for node in graph.nodes.indices {
            let layer = graph.layer(of: node)
            switch layer.role {
            case .input:
                parts[node] = [addTensor(graph.nodes[node].name, graph.nodes[node].shape, .canonical)]
            case .alias:
                parts[node] = [addAlias(node)]
            case .join where isReadInPlace(node):
                parts[node] = graph.nodes[node].inputs.flatMap { parts[$0] }
            case .join, .computation:
                emit(layer, node)
            }
        }
        inputs = graph.inputs.map { parts[$0.node][0] }
    }

    /// Vectors side by side that are only read by layers which can read them where they lie.
    private func isReadInPlace(_ node: Int) -> Bool {
        graph.nodes[node].shape.rank == 1 && !consumers[node].isEmpty
            && consumers[node].allSatisfy { graph.layer(of: $0).readingJoinedInputs != nil }
            && wishes[node] == nil
    }

    /// A call that only gives the axes other names. A blocked image stays where it is if it is flattened to a
    /// vector: whoever reads that can permute its weights.
    private mutating func addAlias(_ node: Int) -> Int {
        let shape = graph.nodes[node].shape
        var source = parts[graph.nodes[node].inputs[0]][0]
        var layout = Layout.canonical
        switch tensors[source].layout {
        case .canonical: break
        case .channelBlocked(let block) where shape.rank == 1:
            layout = .flattenedBlocked(image: tensors[source].shape, block: block)
        case .flattenedBlocked where shape.rank == 1: layout = tensors[source].layout
        default: source = reorder(source, to: .canonical)
        }
        return addTensor(graph.nodes[node].name, shape, layout, root: tensors[source].root)
    }

    private mutating func emit(_ graphLayer: any Layer, _ node: Int) {
        var layer = graphLayer
        let name = graph.nodes[node].name
        var sources = graph.nodes[node].inputs.flatMap { parts[$0] }
        if sources.count > graph.nodes[node].inputs.count, let joining = layer.readingJoinedInputs {
            layer = joining
        }

        var split: Activation?
        let absorbed = absorbedActivation(of: node)
        if let activation = layer.outputActivation, absorbed == nil, !backend.fuses(activation),
            let linear = layer.withoutActivation
        {
            let tensor = emitCall(linear, node, name: "\(name)/linear", sources)
            parts[node] = [emitCall(ActivationLayer(activation), node, name: name, [tensor])]
            return
        }
        if let activation = absorbed {
            split = activation
            if let linear = layer.withoutActivation {
                let tensor = emitCall(linear, node, name: name, sources)
                logits[node] = reorder(tensor, to: .canonical)
                sources = [tensor]
            } else {
                logits[node] = reorder(sources[0], to: .canonical)
            }
        }
        if let activation = split {
            // The loss makes the output's values from the logits, unless somebody else needs them too.
            guard !consumers[node].isEmpty || wishes[node, default: []].contains(where: { $0 != activation })
            else {
                return
            }
            parts[node] = [
                emitCall(ActivationLayer(activation), node, name: "\(name)/\(activation)", sources)
            ]
        } else {
            parts[node] = [emitCall(layer, node, name: name, sources)]
        }
    }

    /// The activation at the end of an output that a loss on it prefers to compute from logits.
    private func absorbedActivation(of node: Int) -> Activation? {
        guard let activation = graph.layer(of: node).outputActivation else { return nil }
        return wishes[node, default: []].contains(activation) ? activation : nil
    }

    private mutating func emitCall(_ layer: any Layer, _ node: Int, name: String, _ sources: [Int]) -> Int {
        let entry = graph.nodes[node].layer
        let shapes = sources.map { tensors[$0].shape }
        let weights = layer.weights(for: shapes).indices.map { firstParameter[entry] + $0 }
        let choice = backend.choose(
            KernelRequest(
                layer: layer, inputShapes: shapes, inputLayouts: sources.map { tensors[$0].layout },
                outputShape: graph.nodes[node].shape, samples: request.samples,
                sharesWeights: callsOfLayer[entry] > 1,
                needsInputGradients: sources.map { dependsOnWeights($0) && !request.forwardOnly },
                trainsWeights: layer.attributes.trainable && !request.forwardOnly))
        let inputs = zip(sources, choice.inputLayouts).map { reorder($0, to: $1) }
        let output = addTensor(name, graph.nodes[node].shape, choice.outputLayout)
        append(
            Draft(
                name: name, work: .layer(layer, node: node, choice: choice), inputs: inputs, output: output,
                weights: weights))
        return output
    }

    /// Whether anything that could be trained lies before a tensor.
    func dependsOnWeights(_ tensor: Int) -> Bool { dependent.contains(tensors[tensor].root) }

    private mutating func append(_ operation: Draft) {
        var trained = operation.inputs.contains { dependsOnWeights($0) }
        if case .layer(let layer, _, _) = operation.work {
            trained = trained || (!operation.weights.isEmpty && layer.attributes.trainable)
        }
        if trained { dependent.insert(tensors[operation.output].root) }
        operations.append(operation)
    }

    // MARK: Tensors

    private mutating func addTensor(_ name: String, _ shape: Shape, _ layout: Layout, root: Int? = nil) -> Int
    {
        tensors.append(TensorDraft(name: name, shape: shape, layout: layout, root: root ?? tensors.count))
        return tensors.count - 1
    }

    /// The tensor in another layout; the last one made is kept. One of the two is the canonical one.
    private mutating func reorder(_ tensor: Int, to layout: Layout) -> Int {
        if tensors[tensor].layout == layout { return tensor }
        if let known = reordered[tensor], tensors[known].layout == layout { return known }
        let output = addTensor(tensors[tensor].name + "/reordered", tensors[tensor].shape, layout)
        append(
            Draft(
                name: tensors[output].name, work: .reorder, inputs: [tensor], output: output, weights: []))
        reordered[tensor] = output
        return output
    }

    // MARK: Heads

    mutating func emitHeads() {
        for (output, head) in zip(graph.outputs, request.heads) {
            let shape = graph.nodes[output.node].shape
            let activation = graph.layer(of: output.node).outputActivation
            let absorbed = logits[output.node] != nil && head.absorbs == activation ? activation : nil
            let tensor: Int
            let predictions: Int
            if let logits = logits[output.node], absorbed != nil {
                tensor = logits
                predictions = addTensor("\(output.name)/predictions", shape, .canonical)
            } else {
                tensor = reorder(parts[output.node][0], to: .canonical)
                predictions = tensor
            }
            heads.append(
                Plan.Head(
                    name: output.name, tensor: tensor,
                    absorbed: absorbed, predictions: predictions, shape: shape,
                    gradient: head.trained && !request.forwardOnly ? .first : .none))
        }
    }
}
