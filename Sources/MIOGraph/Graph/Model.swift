import MIOBase

/// A functional model: what its outputs compute from its inputs (Keras' `Model(inputs, outputs)`).
///
///     let input = Input("input", shape: [100])
///     let kind = Dense(10, activation: .softmax, name: "kind")(Dense(32, activation: .relu)(input))
///     let box = Dense(4, activation: .sigmoid, name: "box")(Dense(64, activation: .relu)(input))
///     let model = try Model(inputs: [input], outputs: [kind, box])
///
/// Called on other tensors it is a layer of another model: with a name as a whole, whose weights have paths as
/// `encoder/dense/kernel`; without one its layers become the other model's own.
public struct Model: Callable, Hashable {
    /// What the model computes, as a value.
    package let graph: Graph
    /// Within a model that uses this one as a layer.
    public let name: String?
    /// The model as a layer: copies share it, and with it the weights.
    public let asLayer: any Layer
    private let inputs: [SymbolicTensor]
    private let outputs: [SymbolicTensor]

    /// Each output has the name of the call that makes it.
    /// - Parameters:
    ///   - name: of the model where it is a layer of another one.
    ///   - trainable: whether training changes its weights there.
    /// - Throws: `GraphError`: shapes that do not fit, names used twice, an input that is missing.
    public init(
        inputs: [SymbolicTensor], outputs: [SymbolicTensor], name: String? = nil, trainable: Bool = true
    ) throws(GraphError) {
        try self.init(
            inputs: inputs, namedOutputs: outputs.map { (name: nil, tensor: $0) }, name: name,
            trainable: trainable)
    }

    /// Outputs with names of their own.
    public init(
        inputs: [SymbolicTensor], namedOutputs outputs: [(name: String?, tensor: SymbolicTensor)],
        name: String? = nil, trainable: Bool = true
    ) throws(GraphError) {
        graph = try GraphBuilder.build(inputs: inputs, outputs: outputs)
        self.name = name
        asLayer = Functional(graph, attributes: LayerAttributes(name: name, trainable: trainable))
        self.inputs = inputs
        self.outputs = outputs.map(\.tensor)
    }

    /// Uses the model as a layer, with the same weights in each call.
    /// - Precondition: as many tensors as the model has inputs.
    public func callAsFunction(_ tensors: [SymbolicTensor]) -> [SymbolicTensor] {
        precondition(
            tensors.count == inputs.count, "the model has \(inputs.count) inputs, not \(tensors.count)")
        if name != nil || !asLayer.attributes.trainable { return asLayer.all(tensors) }
        /// By the node of this model: the results of the call on other tensors.
        var replaced: [ObjectIdentifier: [SymbolicTensor]] = [:]
        for (input, tensor) in zip(inputs, tensors) { replaced[ObjectIdentifier(input.node)] = [tensor] }
        // Without recursion: a model may be deeper than the stack.
        var pending = outputs
        while let tensor = pending.last {
            let node = tensor.node
            if replaced[ObjectIdentifier(node)] != nil {
                pending.removeLast()
                continue
            }
            let missing = node.inputs.filter { replaced[ObjectIdentifier($0.node)] == nil }
            if missing.isEmpty {
                replaced[ObjectIdentifier(node)] = node.layer.all(
                    node.inputs.compactMap { replaced[ObjectIdentifier($0.node)]?[$0.result] })
                pending.removeLast()
            } else {
                pending += missing.reversed()
            }
        }
        return outputs.compactMap { replaced[ObjectIdentifier($0.node)]?[$0.result] }
    }

    /// Calls it on tensors, as Keras calls a layer.
    public func callAsFunction(_ tensor: SymbolicTensor) -> [SymbolicTensor] { self([tensor]) }

    /// The model as a layer of that name.
    package func layer(_ attributes: LayerAttributes) -> any Layer {
        Functional(graph, attributes: attributes)
    }

    public static func == (a: Model, b: Model) -> Bool { a.graph == b.graph }
    public func hash(into hasher: inout Hasher) { hasher.combine(graph) }
}
