import MIOBase
import MIOConfig
import Synchronization

/// The result of calling a layer, before there are numbers (Keras' `KerasTensor`).
public struct SymbolicTensor: Sendable {
    let node: SymbolicNode
    /// Which of the call's results it is.
    let result: Int
    /// Given by `named(_:)`.
    let name: String?

    init(node: SymbolicNode, result: Int = 0, name: String? = nil) {
        self.node = node
        self.result = result
        self.name = name
    }

    /// The same tensor, with a name for the call it comes from: for the model's messages and outputs. Without one the call
    /// has its layer's name; of several, the first that a model meets counts.
    public func named(_ name: String) -> SymbolicTensor {
        SymbolicTensor(node: node, result: result, name: name)
    }
}

/// One call of a layer. Nodes are immutable: a graph of them has no cycle by construction.
///
/// Sendable, unchecked: `inputs` changes in `deinit` alone, when nobody else has the node.
final class SymbolicNode: @unchecked Sendable {
    let layer: any Layer
    private(set) var inputs: [SymbolicTensor]
    /// Whether the call computes in training what it does in prediction (Keras' `training=False`).
    let isInference: Bool
    /// Grows from call to call of a program.
    let number = calls.add(1, ordering: .relaxed).newValue
    private static let calls = Atomic<UInt64>(0)

    init(layer: any Layer, inputs: [SymbolicTensor], isInference: Bool = false) {
        self.layer = layer
        self.isInference = isInference
        self.inputs = inputs
    }

    /// One node after the other: a chain that released itself call by call would be as deep as the stack allows.
    deinit {
        var released = inputs.map(\.node)
        inputs = []
        while var node = released.popLast() {
            guard isKnownUniquelyReferenced(&node) else { continue }
            released += node.inputs.map(\.node)
            node.inputs = []
        }
    }
}

/// An input of a model (Keras' `Input`): samples of `shape`, fed by the data's array `name`.
public func Input(_ name: String, shape: Shape, dtype: TensorElement = .float32) -> SymbolicTensor {
    InputLayer(attributes: LayerAttributes(name: name), shape: shape, dtype: dtype)([])
}
