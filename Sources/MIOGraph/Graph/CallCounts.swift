import MIOBase

/// How many elements a call's weights and its own memory have: for layers that are not written with pointers.
public struct CallCounts: Hashable, Sendable {
    /// Of each weight.
    public let weights: [Int]
    /// Of one sample: `LayerMemory.kept` and `LayerMemory.scratch`.
    public let kept: Int
    /// The layer's scratch memory, if it asks for some.
    public let scratch: Int

    public init(_ layer: any Layer, inputShapes: [Shape], outputShape: Shape) {
        let memory = layer.memory(for: inputShapes, output: outputShape)
        weights = layer.weights(for: inputShapes).map(\.shape.count)
        kept = memory.kept
        scratch = memory.scratch
    }
}
