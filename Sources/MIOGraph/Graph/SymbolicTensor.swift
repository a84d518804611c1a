import MIOConfig
import MIOTensor

/// The result of calling a layer, before there are numbers (Keras' `KerasTensor`).
public struct SymbolicTensor: Sendable {
    let node: SymbolicNode

    init(node: SymbolicNode) { self.node = node }

    /// Names this call, for the model's messages and outputs; without it the call bears its layer's name.
    public func named(_ name: String) -> SymbolicTensor {
        SymbolicTensor(node: SymbolicNode(layer: node.layer, inputs: node.inputs, name: name))
    }
}

/// One call of a layer. Nodes are immutable: a graph of them has no cycle by construction.
final class SymbolicNode: Sendable {
    let layer: any Layer
    let inputs: [SymbolicTensor]
    let name: String?

    init(layer: any Layer, inputs: [SymbolicTensor], name: String?) {
        self.layer = layer
        self.inputs = inputs
        self.name = name
    }
}

/// An input of a model (Keras' `Input`): samples of `shape`, fed by the data's array `name`.
public func Input(_ name: String, shape: Shape) -> SymbolicTensor {
    InputLayer(attributes: LayerAttributes(name: name), shape: shape)([])
}
