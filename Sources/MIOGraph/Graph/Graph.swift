import MIOBase
import MIOConfig

/// A validated acyclic graph of layer calls, as a flat table in the order of execution.
///
/// A value: two graphs made alike are equal, and print alike (`canonical`).
package struct Graph: Sendable {
    /// A layer, once, however often it is called.
    package struct LayerEntry: Sendable {
        /// Its path: within a nested model `<model>/<layer>`.
        package let name: String
        /// The layer itself.
        package let layer: any Layer
        /// What it has of weights.
        package let weights: [WeightDescription]
        /// Whether training changes its weights (Keras' `trainable`).
        package internal(set) var isTrained: Bool
    }

    /// One of a call's results.
    package struct Source: Sendable, Hashable {
        /// Index into `nodes`.
        package let node: Int
        /// Index into `Node.results`.
        package let result: Int

        /// A result of a node.
        package init(node: Int, result: Int) {
            self.node = node
            self.result = result
        }
    }

    /// One call of a layer.
    package struct Node: Sendable, Hashable {
        /// Unique in the graph: the layer's name for its first call, after the name of the nested model's call if it is in
        /// one.
        package let name: String
        /// Index into `layers`.
        package let layer: Int
        /// The results that it takes, of nodes before it.
        package let inputs: [Source]
        /// What it computes.
        package let results: [TensorSpec]
        /// Whether it computes in training what it does in prediction.
        package let isInference: Bool
        package let callMasks: CallMasks
        /// For each result which of its positions count; `nil` for all of them.
        package let masks: [Mask?]
        /// The shape of one sample of the first result.
        package var shape: Shape { results[0].shape }
    }

    /// An input or an output: its name, as data and job know it, and the tensor that it is.
    package struct Terminal: Sendable, Hashable {
        /// The input's or output's name.
        package let name: String
        /// What computes it.
        package let source: Source
        /// The node that computes it.
        package var node: Int { source.node }
    }

    /// A weight of the model.
    package struct Weight: Sendable, Hashable {
        /// `<layer>/<weight>`: `conv1/kernel`, and `encoder/conv1/kernel` within a nested model.
        package let name: String
        /// Index into `layers`.
        package let layer: Int
        /// Index into the layer's weights.
        package let weight: Int
        /// Name, shape and first values.
        package let description: WeightDescription
        /// Trained, frozen, or state.
        package let role: WeightRole
        /// Whether the optimizer changes it.
        package var trainable: Bool { role == .trained }
        /// In Keras' order of axes.
        package var shape: Shape { description.shape }
    }

    /// In Keras' order (`model.layers`), the input layers among them.
    package let layers: [LayerEntry]
    /// In an order of execution: every node after those it takes its inputs from.
    package let nodes: [Node]
    /// In the order of the model.
    package let inputs: [Terminal]
    /// In the order of the model.
    package let outputs: [Terminal]

    /// The models that are layers of this one, in the order of their layers.
    package let nestedModels: [NestedModel]
    /// The model as its author wrote it.
    package let outline: Outline

    /// Every weight, in Keras' order (`model.weights`).
    package let weights: [Weight]
    /// The tensor of each output, by the output's name.
    private let sourceOfOutput: [String: Source]

    /// - Parameters: a validated graph; `outputs` have names of their own.
    init(
        layers: [LayerEntry], nodes: [Node], inputs: [Terminal], outputs: [Terminal],
        nestedModels: [NestedModel],
        outline: Outline
    ) {
        self.nestedModels = nestedModels
        self.outline = outline
        self.layers = layers
        self.nodes = nodes
        self.inputs = inputs
        self.outputs = outputs
        weights = layers.enumerated().flatMap { index, entry in
            entry.weights.enumerated().map { weight, description in
                Weight(
                    name: "\(entry.name)/\(description.name)", layer: index, weight: weight,
                    description: description,
                    role: description.isState ? .state : entry.isTrained ? .trained : .frozen)
            }
        }
        sourceOfOutput = Dictionary(outputs.map { ($0.name, $0.source) }) { first, _ in first }
    }

    /// Whether the loss has a term that is not of an output: of weights, or of layers' results.
    package var hasRegularizers: Bool { hasWeightRegularizers || hasActivityRegularizers }

    /// The results of calls that the loss has a term of.
    package var activities: [(source: Source, regularizer: any Regularizer)] {
        nodes.indices.flatMap { node in
            layer(of: node).activityRegularizer.map { regularizer in
                nodes[node].results.indices.map { (Source(node: node, result: $0), regularizer) }
            } ?? []
        }
    }

    /// Whether the loss has a term made of layers' results.
    package var hasActivityRegularizers: Bool {
        layers.contains { $0.layer.activityRegularizer != nil }
    }

    /// Whether the loss has a term made of weights alone.
    package var hasWeightRegularizers: Bool {
        weights.contains { $0.trainable && $0.description.rules.regularizer != nil }
    }

    /// The layer that a node calls.
    package func layer(of node: Int) -> any Layer {
        let layer = layers[nodes[node].layer].layer
        return nodes[node].isInference ? layer.inInference : layer
    }

    /// What a tensor is.
    package func spec(of source: Source) -> TensorSpec { nodes[source.node].results[source.result] }

    /// Which positions of a tensor count; `nil` for all of them.
    package func mask(of source: Source) -> Mask? { nodes[source.node].masks[source.result] }

    /// The masks that a call reads, input by input, if its layer reads any.
    package func masks(ofInputs node: Int) -> [Mask?] {
        nodes[node].inputs.map { nodes[node].callMasks == .ofLayer ? mask(of: $0) : nil }
    }

    /// Whether any position of a tensor may not count.
    var hasMasks: Bool { nodes.contains { $0.masks.contains { $0 != nil } } }

    /// The shapes of a node's inputs.
    package func inputShapes(of node: Int) -> [Shape] { nodes[node].inputs.map { spec(of: $0).shape } }

    /// The shape of an output; `nil` if there is none of that name.
    package func shape(ofOutput name: String) -> Shape? {
        sourceOfOutput[name].map { spec(of: $0).shape }
    }

    /// What others take a call's result by: the call's name, with `:1` and so on for results after the first.
    package func name(of source: Source) -> String { resultName(nodes[source.node].name, source.result) }
}

extension Graph: Hashable {
    // The order of inputs and outputs counts, which the equality of mappings leaves aside; text has it.
    package static func == (a: Graph, b: Graph) -> Bool { a.canonical.json() == b.canonical.json() }
    package func hash(into hasher: inout Hasher) { hasher.combine(canonical.json()) }
}
