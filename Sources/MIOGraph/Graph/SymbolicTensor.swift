import MIOConfig
import MIOTensor
import Synchronization

/// The result of calling a layer, before there are numbers (Keras' `KerasTensor`).
public struct SymbolicTensor: Sendable {
    let node: SymbolicNode
    /// Given by `named(_:)`.
    let name: String?

    init(node: SymbolicNode, name: String? = nil) {
        self.node = node
        self.name = name
    }

    /// The same tensor, with a name for the call it comes from: for the model's messages and outputs. Without one the call
    /// bears its layer's name; of several, the first that a model meets counts.
    public func named(_ name: String) -> SymbolicTensor { SymbolicTensor(node: node, name: name) }
}

/// One call of a layer. Nodes are immutable: a graph of them has no cycle by construction.
final class SymbolicNode: Sendable {
    let layer: any Layer
    let inputs: [SymbolicTensor]
    /// Grows from call to call of a program.
    let number = calls.add(1, ordering: .relaxed).newValue
    private static let calls = Atomic<UInt64>(0)

    init(layer: any Layer, inputs: [SymbolicTensor]) {
        self.layer = layer
        self.inputs = inputs
    }
}

/// An input of a model (Keras' `Input`): samples of `shape`, fed by the data's array `name`.
public func Input(_ name: String, shape: Shape) -> SymbolicTensor {
    InputLayer(attributes: LayerAttributes(name: name), shape: shape)([])
}
