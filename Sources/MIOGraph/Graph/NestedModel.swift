import MIOBase
import MIOConfig

extension Graph {
    /// A model that is a layer of this one, once, however often it is called.
    package struct NestedModel: Sendable {
        /// Within the model around it.
        package let name: String
        /// `Functional` or `Sequential`.
        package let className: String
        /// The model itself; its names are those within it.
        package let graph: Graph
        /// Whether it lets training change its weights (Keras' `trainable`).
        package let isTrained: Bool
        /// Its layers in the graph around it, without its inputs: indices into `Graph.layers`.
        package let layers: Range<Int>
    }

    /// The model as its author wrote it: layers and nested models side by side, and the calls of both.
    package struct Outline: Sendable {
        package enum Part: Hashable, Sendable {
            /// An index into `Graph.layers`.
            case layer(Int)
            /// An index into `Graph.nestedModels`.
            case model(Int)
        }

        /// One of a call's results.
        package struct Source: Hashable, Sendable {
            /// An index into `calls`.
            package let call: Int
            package let result: Int

            package init(call: Int, result: Int) {
                self.call = call
                self.result = result
            }
        }

        package struct Call: Sendable {
            package let name: String
            /// An index into `parts`.
            package let part: Int
            package let inputs: [Source]
            package let results: [TensorSpec]
            /// Whether it computes in training what it does in prediction.
            package let isInference: Bool
            package let callMasks: CallMasks
        }

        /// In Keras' order (`model.layers`).
        package let parts: [Part]
        /// In an order of execution.
        package let calls: [Call]
        package let outputs: [(name: String, source: Source)]
    }
}

/// A layer that is a model: a plan has its layers in its place.
protocol ModelLayer: Layer {
    /// The model, called on such tensors.
    func makeGraph(for inputs: [TensorSpec]) throws(GraphError) -> Graph

    /// What describes the model in a job file, beside name, class and inputs.
    static func config(of graph: Graph) -> ConfigDictionary
}

extension ModelLayer {
    var config: ConfigDictionary { [:] }

    init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        preconditionFailure("a \(Self.className) is made of its layers")
    }

    func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        preconditionFailure("a \(Self.className) is planned layer by layer")
    }
    func forward<T: Scalar>(_ call: ForwardCall<T>) {
        preconditionFailure("a \(Self.className) is planned layer by layer")
    }
    func backward<T: Scalar>(_ call: BackwardCall<T>) {
        preconditionFailure("a \(Self.className) is planned layer by layer")
    }
}

/// A functional model that is a layer of another one. <https://keras.io/api/models/model/>
struct Functional: ModelLayer {
    static var className: String { "Functional" }
    let attributes: LayerAttributes
    private let graph: Graph

    init(_ graph: Graph, attributes: LayerAttributes) {
        self.graph = graph
        self.attributes = attributes
    }

    var resultCount: Int { graph.outputs.count }

    func makeGraph(for inputs: [TensorSpec]) -> Graph { graph }

    static func config(of graph: Graph) -> ConfigDictionary { ["model": graph.canonical] }
}
