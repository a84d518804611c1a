import MIOConfig
import MIOTensor

/// A validated acyclic graph of layer calls, as a flat table in the order of execution.
///
/// A value: two graphs made alike are equal, and print alike (`canonical`).
public struct Graph: Sendable {
    /// A layer, once, however often it is called.
    public struct LayerEntry: Sendable {
        public let name: String
        public let layer: any Layer
        public let weights: [WeightDescription]
    }

    /// One call of a layer. Its result is the tensor of the same index.
    public struct Node: Sendable, Hashable {
        /// Unique in the graph: the layer's name for its first call.
        public let name: String
        /// Index into `layers`.
        public let layer: Int
        /// Indices of the nodes whose results it takes, all smaller than its own.
        public let inputs: [Int]
        /// The shape of one sample of the result.
        public let shape: Shape
    }

    /// An input or an output: its name, as data and job know it, and its node.
    public struct Terminal: Sendable, Hashable {
        public let name: String
        public let node: Int
    }

    /// A weight of the model.
    public struct Parameter: Sendable, Hashable {
        /// `<layer>/<weight>`: `conv1/kernel`.
        public let name: String
        /// Index into `layers`.
        public let layer: Int
        /// Index into the layer's weights.
        public let weight: Int
        public let description: WeightDescription
        public let trainable: Bool
        public var shape: Shape { description.shape }
    }

    /// In Keras' order (`model.layers`), the input layers among them.
    public let layers: [LayerEntry]
    /// In an order of execution: every node after those it takes its inputs from.
    public let nodes: [Node]
    public let inputs: [Terminal]
    public let outputs: [Terminal]

    /// Every weight, in Keras' order (`model.weights`).
    public let parameters: [Parameter]
    /// The node of each output, by the output's name.
    private let nodeOfOutput: [String: Int]

    /// - Parameters: a validated graph; `outputs` have names of their own.
    init(layers: [LayerEntry], nodes: [Node], inputs: [Terminal], outputs: [Terminal]) {
        self.layers = layers
        self.nodes = nodes
        self.inputs = inputs
        self.outputs = outputs
        parameters = layers.enumerated().flatMap { index, entry in
            entry.weights.enumerated().map { weight, description in
                Parameter(
                    name: "\(entry.name)/\(description.name)", layer: index, weight: weight,
                    description: description, trainable: entry.layer.attributes.trainable)
            }
        }
        nodeOfOutput = Dictionary(outputs.map { ($0.name, $0.node) }) { first, _ in first }
    }

    public func layer(of node: Int) -> any Layer { layers[nodes[node].layer].layer }

    public func inputShapes(of node: Int) -> [Shape] { nodes[node].inputs.map { nodes[$0].shape } }

    public func shape(ofOutput name: String) -> Shape? {
        nodeOfOutput[name].map { nodes[$0].shape }
    }

    /// The whole graph as a job file would write it: equal for equal graphs, compared between ranks.
    ///
    /// Each layer's first call carries its class and arguments, and `layer`, its name, where the call has
    /// another; the later calls name it by `layer` alone.
    public var canonical: ConfigValue {
        var inputShapes = ConfigDictionary()
        for input in inputs {
            inputShapes[input.name] = .dictionary(["shape": ConfigValue(nodes[input.node].shape.dimensions)])
        }
        var first: Set<Int> = []
        let calls: [ConfigValue] = nodes.compactMap { node in
            let entry = layers[node.layer]
            if entry.layer.role == .input { return nil }
            var call: ConfigDictionary = ["name": .string(node.name)]
            let isFirst = first.insert(node.layer).inserted
            if isFirst {
                // The first call in this order need not be the one that has the layer's name.
                if entry.name != node.name { call["layer"] = .string(entry.name) }
                call["class"] = .string(type(of: entry.layer).className)
            } else {
                call["layer"] = .string(entry.name)
            }
            call["inputs"] = .list(node.inputs.map { .string(nodes[$0].name) })
            if isFirst {
                for (key, value) in entry.layer.config.entries { call[key] = value }
                if !entry.layer.attributes.trainable { call["trainable"] = false }
            }
            return .dictionary(call)
        }
        var outputNames = ConfigDictionary()
        for output in outputs { outputNames[output.name] = .string(nodes[output.node].name) }
        return .dictionary([
            "inputs": .dictionary(inputShapes), "layers": .list(calls), "outputs": .dictionary(outputNames),
        ])
    }
}

extension Graph: Hashable {
    // The order of inputs and outputs counts, which the equality of mappings leaves aside; text has it.
    public static func == (a: Graph, b: Graph) -> Bool { a.canonical.json() == b.canonical.json() }
    public func hash(into hasher: inout Hasher) { hasher.combine(canonical.json()) }
}
