import MIOBase
import MIOConfig

/// Layers one after the other, as one layer of a model. <https://keras.io/api/models/sequential/>
///
///     let tower = Sequential([Dense(32, activation: .relu), Dense(8)], name: "tower")
///     let code = tower(input)         // its weights: tower/dense/kernel, tower/dense/bias, …
///
/// Called twice it shares its weights. Its parts are layers, models, and other sequences.
public struct Sequential: Callable {
    /// The layer that is called.
    public let asLayer: any Layer

    /// - Parameters:
    ///   - parts: each takes the result of the one before it.
    ///   - name: without one the model around it names it as Keras does: `sequential`, `sequential_1`, …
    ///   - trainable: whether training changes its weights.
    public init(_ parts: [any Callable], name: String? = nil, trainable: Bool = true) {
        asLayer = SequentialLayer(
            parts: parts.map(\.asLayer), attributes: LayerAttributes(name: name, trainable: trainable))
    }

    /// Calls it on tensors, as Keras calls a layer.
    public func callAsFunction(_ input: SymbolicTensor) -> SymbolicTensor { asLayer(input) }
}

/// What can be called on symbolic tensors: a layer, or a model as a layer.
public protocol Callable: Sendable {
    /// The layer that is called.
    var asLayer: any Layer { get }
}

extension Layer {
    /// The layer that is called.
    public var asLayer: any Layer { self }
}

struct SequentialLayer: ModelLayer {
    static var className: String { "Sequential" }
    let attributes: LayerAttributes
    private let parts: [any Layer]

    init(parts: [any Layer], attributes: LayerAttributes) {
        self.parts = parts
        self.attributes = attributes
    }

    func makeGraph(for inputs: [TensorSpec]) throws(GraphError) -> Graph {
        guard inputs.count == 1 else {
            throw GraphError(
                place: "its inputs",
                message:
                    "expected one tensor, received \(inputs.count); join them, or write a functional model")
        }
        var parts = parts[...]
        let input: SymbolicTensor
        if let declared = parts.first, declared.role == .input {
            input = declared([])
            parts = parts.dropFirst()
        } else {
            input = Input("input_layer", shape: inputs[0].shape, dtype: inputs[0].element)
        }
        guard !parts.isEmpty else { throw GraphError(place: "its layers", message: "there are none") }
        var tensor = input
        var seen: Set<ObjectIdentifier> = []
        for part in parts {
            let place = "layer \(quoted: part.attributes.name ?? "") (\(type(of: part).className))"
            guard part.resultCount == 1 else {
                throw GraphError(
                    place: place,
                    message: "has \(part.resultCount) results; each layer of a Sequential has one. Write a "
                        + "functional model")
            }
            guard seen.insert(ObjectIdentifier(part.attributes.identity)).inserted else {
                throw GraphError(
                    place: place,
                    message: "stands twice in the Sequential; to share weights write a functional model that "
                        + "calls it twice")
            }
            tensor = part(tensor)
        }
        return try Model(inputs: [input], outputs: [tensor]).graph
    }

    /// The layers, without the inputs that their order gives.
    static func config(of graph: Graph) -> ConfigDictionary {
        [
            "layers": .list(
                graph.canonicalCalls.map { call in
                    var call = call
                    call["inputs"] = nil
                    return .dictionary(call)
                })
        ]
    }
}
