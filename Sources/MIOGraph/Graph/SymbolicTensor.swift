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
    /// How many calls Keras has between the call and this tensor, which mio leaves out.
    let leftOut: Int

    init(node: SymbolicNode, result: Int = 0, name: String? = nil, leftOut: Int = 0) {
        self.node = node
        self.result = result
        self.name = name
        self.leftOut = leftOut
    }

    /// The same tensor, with a name for the call it comes from: for the model's messages and outputs. Without one the call
    /// has its layer's name; of several, the first that a model meets counts.
    public func named(_ name: String) -> SymbolicTensor {
        SymbolicTensor(node: node, result: result, name: name, leftOut: leftOut)
    }

    /// The same tensor, after a call of Keras that computes nothing. Keras orders layers by the number of calls from them to the
    /// outputs, and weights as layers: this one counts.
    package func afterCallLeftOut() -> SymbolicTensor {
        SymbolicTensor(node: node, result: result, name: name, leftOut: leftOut + 1)
    }

    /// Tells that the calls between these tensors and this one, which nobody else has seen yet, are a single operation of Keras:
    /// it knows of no masks, and gives none on.
    package func joinCalls(since sources: [SymbolicTensor]) {
        let outside = Set(sources.map { ObjectIdentifier($0.node) })
        var joined = [node]
        while let next = joined.popLast() {
            guard !outside.contains(ObjectIdentifier(next)), next.joined == nil else { continue }
            next.joined = node.number
            next.masks = .none
            joined += next.inputs.map(\.node)
        }
    }

    /// Says what the call that it comes from has to do with masks.
    /// - Precondition: nobody else has seen the call yet.
    package func setMasks(_ masks: CallMasks) { node.masks = masks }
}

extension SymbolicTensor {
    /// The same calls on each step of sequences.
    /// - Parameters:
    ///   - sequences: for each input that the calls began with, by its number.
    ///   - made: calls that are there already, by the numbers of those they stand for.
    package func onEachStep(of sequences: [UInt64: SymbolicTensor], _ made: inout [UInt64: SymbolicTensor])
        -> SymbolicTensor
    {
        var sequence: SymbolicTensor
        if let known = sequences[node.number] ?? made[node.number] {
            sequence = known
        } else {
            let inputs = node.inputs.map { $0.onEachStep(of: sequences, &made) }
            sequence = TimeDistributed(node.layer, name: node.layer.attributes.name)(inputs)
            sequence.node.masks = node.masks
            made[node.number] = sequence
        }
        for _ in 0..<leftOut { sequence = sequence.afterCallLeftOut() }
        return sequence
    }

    /// Of the call that it comes from.
    package var callNumber: UInt64 { node.number }
}

/// One call of a layer. Inputs are there before it: a graph of calls has no cycle by construction.
///
/// Sendable, unchecked: `joined` and `masks` change where the node is made, before others have it, and `inputs` in `deinit`
/// alone, when nobody has it any more.
final class SymbolicNode: @unchecked Sendable {
    let layer: any Layer
    private(set) var inputs: [SymbolicTensor]
    /// Whether the call computes in training what it does in prediction (Keras' `training=False`).
    let isInference: Bool
    /// Grows from call to call of a program.
    let number = calls.add(1, ordering: .relaxed).newValue
    private static let calls = Atomic<UInt64>(0)
    /// Equal for calls that are one call of Keras; `nil` for a call that is one itself.
    fileprivate(set) var joined: UInt64?
    fileprivate(set) var masks = CallMasks.ofLayer

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
