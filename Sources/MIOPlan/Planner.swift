import MIOBase
import MIOGraph

extension Plan {
    /// Plans a step. Never fails: the graph has been checked.
    package init(_ request: PlanRequest, backend: some Backend) {
        var lowering = Lowering(request, backend: backend)
        lowering.emitOperations()
        lowering.emitOutputs()
        lowering.findActivities()
        lowering.sortIntoStages()
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
        /// The tensor of each input's mask; empty if the operation reads none.
        let masks: [Int?]
        let outputs: [Int]
        /// Indices in `Graph.weights`.
        let weights: [Int]
        /// What it must know of the whole batch, in training.
        let batchSums: BatchSums?
        /// The stage of a step in which it runs.
        var stage = 0

        init(
            name: String, work: Plan.Work, inputs: [Int], masks: [Int?] = [], outputs: [Int],
            weights: [Int] = [], batchSums: BatchSums? = nil
        ) {
            self.name = name
            self.work = work
            self.inputs = inputs
            self.masks = masks
            self.outputs = outputs
            self.weights = weights
            self.batchSums = batchSums
        }
    }

    struct TensorDraft {
        let name: String
        let shape: Shape
        let element: TensorElement
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
    private(set) var outputs: [Plan.Output] = []
    private(set) var activities: [Plan.Activity] = []
    /// What each result became: one tensor, or several that a Concatenate would have joined.
    private var parts: [Graph.Source: [Int]] = [:]
    private var tensorOfMask: [Mask: Int] = [:]
    private var reordered: [Int: Int] = [:]
    /// The roots of the tensors that depend on a trainable weight.
    private var dependent: Set<Int> = []
    private let consumers: [[Int]]
    private let firstParameter: [Int]
    private let callsOfLayer: [Int]
    /// For the node of each output: what each loss on it would absorb. An output may have several names, and each a
    /// loss.
    private let wishes: [Int: [Activation?]]
    /// Nodes of activations that the operation before them computes.
    private var computedBefore: Set<Int> = []
    /// For the node of an output whose activation a loss absorbs: the tensor of its logits.
    private var logits: [Int: Int] = [:]

    init(_ request: PlanRequest, backend: some Backend) {
        self.request = request
        self.backend = backend
        let graph = request.graph
        self.graph = graph
        var consumers = [[Int]](repeating: [], count: graph.nodes.count)
        var calls = [Int](repeating: 0, count: graph.layers.count)
        for (index, node) in graph.nodes.enumerated() {
            calls[node.layer] += 1
            for input in node.inputs { consumers[input.node].append(index) }
        }
        self.consumers = consumers
        wishes = Dictionary(zip(graph.outputs, request.outputs).map { ($0.node, [$1.absorbs]) }) { $0 + $1 }
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
            if computedBefore.contains(node) { continue }
            let layer = graph.layer(of: node)
            switch layer.role {
            case .input:
                let spec = graph.spec(of: Graph.Source(node: node, result: 0))
                setParts(
                    node, [addTensor(graph.nodes[node].name, spec.shape, .canonical, spec.element)])
            case .alias:
                setParts(node, [addAlias(node)])
            case .join where isReadInPlace(node):
                setParts(node, sources(of: node))
            case .join, .computation:
                emit(layer, node)
            }
        }
        inputs = graph.inputs.map { tensor(of: $0.source) }
    }

    /// Of a node's first result.
    private mutating func setParts(_ node: Int, _ tensors: [Int]) {
        parts[Graph.Source(node: node, result: 0)] = tensors
    }

    /// The tensors that a node takes.
    private func sources(of node: Int) -> [Int] {
        graph.nodes[node].inputs.flatMap { parts[$0, default: []] }
    }

    /// Of a result that was not joined in place.
    private func tensor(of source: Graph.Source) -> Int { parts[source]![0] }

    /// Vectors side by side that are only read by layers which can read them where they lie.
    private func isReadInPlace(_ node: Int) -> Bool {
        graph.nodes[node].shape.rank == 1 && !consumers[node].isEmpty
            && consumers[node].allSatisfy { graph.layer(of: $0).readingJoinedInputs != nil }
            && wishes[node] == nil && !isRegularized(node)
    }

    /// Whether the loss has a term of a node's results.
    private func isRegularized(_ node: Int) -> Bool {
        graph.layer(of: node).activityRegularizer != nil
    }

    /// A call that only gives the axes other names. A blocked image stays where it is if it is flattened to a
    /// vector: whoever reads that can permute its weights.
    private mutating func addAlias(_ node: Int) -> Int {
        let shape = graph.nodes[node].shape
        var source = tensor(of: graph.nodes[node].inputs[0])
        var layout = Layout.canonical
        switch tensors[source].layout {
        case .canonical: break
        case .channelBlocked(let block) where shape.rank == 1:
            layout = .flattenedBlocked(image: tensors[source].shape, block: block)
        case .flattenedBlocked where shape.rank == 1: layout = tensors[source].layout
        default: source = reorder(source, to: .canonical)
        }
        return addTensor(
            graph.nodes[node].name, shape, layout, tensors[source].element, root: tensors[source].root)
    }

    private mutating func emit(_ graphLayer: any Layer, _ node: Int) {
        var layer = graphLayer
        let name = graph.nodes[node].name
        var sources = sources(of: node)
        if sources.count > graph.nodes[node].inputs.count, let joining = layer.readingJoinedInputs {
            layer = joining
        }

        if let (joint, activation) = withFollowingActivation(layer, node, sources) {
            let outputs = emitCall(joint, node, name: name, sources)
            setParts(node, outputs)
            setParts(activation, outputs)
            computedBefore.insert(activation)
            return
        }

        var split: Activation?
        let absorbed = absorbedActivation(of: node)
        if let activation = layer.outputActivation, absorbed == nil, !backend.fuses(activation),
            let linear = layer.withoutActivation
        {
            let tensor = emitCall(linear, node, name: "\(name)/linear", sources)[0]
            setParts(node, emitCall(ActivationLayer(activation), node, name: name, [tensor]))
            return
        }
        if let activation = absorbed {
            split = activation
            if let linear = layer.withoutActivation {
                let tensor = emitCall(linear, node, name: name, sources)[0]
                logits[node] = reorder(tensor, to: .canonical)
                sources = [tensor]
            } else {
                logits[node] = reorder(sources[0], to: .canonical)
            }
        }
        if let activation = split {
            // The loss makes the output's values from the logits, unless somebody else needs them too.
            guard
                !consumers[node].isEmpty || isRegularized(node)
                    || wishes[node, default: []].contains(where: { $0 != activation })
            else {
                return
            }
            setParts(
                node, emitCall(ActivationLayer(activation), node, name: "\(name)/\(activation)", sources))
        } else {
            for (result, tensor) in emitCall(layer, node, name: name, sources).enumerated() {
                parts[Graph.Source(node: node, result: result)] = [tensor]
            }
        }
    }

    /// The layer that also computes the activation behind a node, if nobody else reads the node and the backend has a kernel
    /// for both, and the activation's node.
    private func withFollowingActivation(
        _ layer: any Layer, _ node: Int, _ sources: [Int]
    ) -> (layer: any Layer, activation: Int)? {
        guard consumers[node].count == 1, wishes[node] == nil, !isRegularized(node) else { return nil }
        let next = consumers[node][0]
        let follower = graph.layer(of: next)
        guard graph.nodes[next].inputs.count == 1, follower.withoutActivation == nil,
            let activation = follower.outputActivation, absorbedActivation(of: next) == nil,
            let joint = layer.ending(in: activation),
            backend.choose(request(joint, node, sources)).kernel != .reference
        else { return nil }
        return (joint, next)
    }

    /// The activation at the end of an output that a loss on it prefers to compute from logits.
    private func absorbedActivation(of node: Int) -> Activation? {
        // Softmax with a mask is another function.
        guard graph.nodes[node].inputs.count == 1 || graph.layer(of: node).withoutActivation != nil,
            let activation = graph.layer(of: node).outputActivation
        else { return nil }
        return wishes[node, default: []].contains(activation) ? activation : nil
    }

    /// - Returns: the tensors of the call's results.
    private mutating func emitCall(_ layer: any Layer, _ node: Int, name: String, _ sources: [Int]) -> [Int] {
        let call = graph.nodes[node]
        let shapes = sources.map { tensors[$0].shape }
        let weights = layer.weights(for: shapes).indices.map { firstParameter[call.layer] + $0 }
        let trains = trains(node)
        let choice = backend.choose(request(layer, node, sources))
        let masks = layer.readsMasks ? graph.masks(ofInputs: node).map { tensor(ofMask: $0) } : []
        let inputs = zip(sources, choice.inputLayouts).map { reorder($0, to: $1) }
        let outputs = call.results.enumerated().map { result, spec in
            addTensor(
                result == 0 ? name : "\(name):\(result)", spec.shape,
                result == 0 ? choice.outputLayout : .canonical, spec.element)
        }
        append(
            Draft(
                name: name, work: .layer(layer, node: node, choice: choice), inputs: inputs, masks: masks,
                outputs: outputs, weights: weights, batchSums: trains ? layer.batchSums(for: shapes) : nil))
        return outputs
    }

    private func trains(_ node: Int) -> Bool {
        graph.layers[graph.nodes[node].layer].isTrained && !request.forwardOnly
    }

    /// What a backend is asked about a call.
    private func request(_ layer: any Layer, _ node: Int, _ sources: [Int]) -> KernelRequest {
        let call = graph.nodes[node]
        return KernelRequest(
            layer: layer, inputShapes: sources.map { tensors[$0].shape },
            inputLayouts: sources.map { tensors[$0].layout }, outputShapes: call.results.map(\.shape),
            samples: request.samples, sharesWeights: callsOfLayer[call.layer] > 1,
            needsInputGradients: sources.map { dependsOnWeights($0) && !request.forwardOnly },
            trainsWeights: trains(node),
            isMasked: layer.readsMasks && graph.masks(ofInputs: node).contains { $0 != nil })
    }

    /// The tensor that holds a mask; one for all that read it.
    private mutating func tensor(ofMask mask: Mask?) -> Int? {
        guard let mask else { return nil }
        if let known = tensorOfMask[mask] { return known }
        let inputs = mask.inputs.map { tensor(of: graph.inputs[$0].source) }
        let output = addTensor(
            "mask \(tensorOfMask.count)", mask.shape { graph.spec(of: graph.inputs[$0].source).shape },
            .canonical)
        append(Draft(name: tensors[output].name, work: .mask(mask), inputs: inputs, outputs: [output]))
        tensorOfMask[mask] = output
        return output
    }

    /// Whether anything that could be trained lies before a tensor.
    func dependsOnWeights(_ tensor: Int) -> Bool { dependent.contains(tensors[tensor].root) }

    private mutating func append(_ operation: Draft) {
        let isTrained =
            operation.inputs.contains { dependsOnWeights($0) }
            || operation.weights.contains { graph.weights[$0].trainable }
        if isTrained { for output in operation.outputs { dependent.insert(tensors[output].root) } }
        operations.append(operation)
    }

    // MARK: Stages

    /// Cuts the operations where one must know sums over the whole batch: it begins a stage, with all others that are ready
    /// by then. Without such an operation there is one stage, and the order stays.
    mutating func sortIntoStages() {
        guard operations.contains(where: { $0.batchSums != nil }) else { return }
        var stageOfRoot: [Int: Int] = [:]
        for index in operations.indices {
            let sources = operations[index].inputs + operations[index].masks.compactMap(\.self)
            let ready = sources.map { stageOfRoot[tensors[$0].root] ?? 0 }.max() ?? 0
            operations[index].stage = ready + (operations[index].batchSums == nil ? 0 : 1)
            for output in operations[index].outputs {
                stageOfRoot[tensors[output].root] = operations[index].stage
            }
        }
        // Those that begin a stage come first in it: all they read was made before it.
        func key(_ index: Int) -> (Int, Int, Int) {
            (operations[index].stage, operations[index].batchSums == nil ? 1 : 0, index)
        }
        operations = operations.indices.sorted { key($0) < key($1) }.map { operations[$0] }
    }

    // MARK: Tensors

    private mutating func addTensor(
        _ name: String, _ shape: Shape, _ layout: Layout, _ element: TensorElement = .float32,
        root: Int? = nil
    ) -> Int {
        tensors.append(
            TensorDraft(
                name: name, shape: shape, element: element, layout: layout, root: root ?? tensors.count))
        return tensors.count - 1
    }

    /// The tensor in another layout; the last one made is kept. One of the two is the canonical one.
    private mutating func reorder(_ tensor: Int, to layout: Layout) -> Int {
        if tensors[tensor].layout == layout { return tensor }
        if let known = reordered[tensor], tensors[known].layout == layout { return known }
        let output = addTensor(tensors[tensor].name + "/reordered", tensors[tensor].shape, layout)
        append(Draft(name: tensors[output].name, work: .reorder, inputs: [tensor], outputs: [output]))
        reordered[tensor] = output
        return output
    }

    // MARK: Outputs

    mutating func findActivities() {
        activities = graph.activities.map { source, regularizer in
            Plan.Activity(
                name: graph.name(of: source), tensor: tensor(of: source), regularizer: regularizer,
                gradient: request.forwardOnly ? .none : .first)
        }
    }

    mutating func emitOutputs() {
        for (output, wish) in zip(graph.outputs, request.outputs) {
            let shape = graph.spec(of: output.source).shape
            let activation = graph.layer(of: output.node).outputActivation
            let absorbed = logits[output.node] != nil && wish.absorbs == activation ? activation : nil
            let tensor: Int
            let predictions: Int
            if let logits = logits[output.node], absorbed != nil {
                tensor = logits
                predictions = addTensor("\(output.name)/predictions", shape, .canonical)
            } else {
                tensor = reorder(self.tensor(of: output.source), to: .canonical)
                predictions = tensor
            }
            outputs.append(
                Plan.Output(
                    name: output.name, tensor: tensor,
                    absorbed: absorbed, predictions: predictions, shape: shape,
                    gradient: wish.trained && !request.forwardOnly ? .first : .none, lossSums: 0..<0))
        }
    }
}
