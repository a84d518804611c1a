/// An owned block of 32-bit values in canonical (Keras) shape and row-major order.
///
/// This is what leaves and enters mio: initial weights, checkpoints, predictions. The training step
/// works on `Storage` slabs instead.
public struct Tensor: Hashable, Sendable {
    /// Keras' shape.
    public var shape: Shape
    /// In row-major order.
    public var values: [Float]

    /// - Precondition: `values.count == shape.count`.
    public init(shape: Shape, values: [Float]) {
        precondition(
            values.count == shape.count, "\(values.count) values do not fill a tensor of shape \(shape)")
        self.shape = shape
        self.values = values
    }

    /// Where there is no memory the process ends, with exit code 74 and a message.
    public init(zeros shape: Shape) {
        requireMemory(shape.count.clampedTimes(MemoryLayout<Float>.stride))
        self.init(shape: shape, values: [Float](repeating: 0, count: shape.count))
    }
}
