import MIOBase

/// How many elements a call's weights and its own memory have: for layers that are not written with pointers.
package struct CallCounts: Hashable, Sendable {
    /// Of each weight.
    package let weights: [Int]
    /// Of one sample: `LayerMemory.kept` and `LayerMemory.scratch`.
    package let kept: Int
    /// The layer's scratch memory, if it asks for some.
    package let scratch: Int

    package init(_ layer: any Layer, inputShapes: [Shape], outputShape: Shape) {
        let memory = layer.memory(for: inputShapes, output: outputShape)
        weights = layer.weights(for: inputShapes).map(\.shape.count)
        kept = memory.kept
        scratch = memory.scratch
    }
}
