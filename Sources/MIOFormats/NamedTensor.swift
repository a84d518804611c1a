import MIOBase

/// A tensor of somebody else's memory, to be written to a file: its name, its Keras shape, its values in
/// row-major order.
///
/// Sendable, unchecked: the values are only read, and whoever hands a tensor over leaves them alone until
/// the writer is done with it.
package struct NamedTensor: @unchecked Sendable {
    package let name: String
    package let shape: Shape
    package let values: UnsafeBufferPointer<Float>
    /// What keeps `values` alive.
    private let owner: AnyObject?

    /// - Parameters:
    ///   - values: `shape.count` of them.
    ///   - owner: the object whose memory it is, kept as long as this tensor; `nil` if the caller sees to it.
    /// - Precondition: `values.count == shape.count`.
    package init(name: String, shape: Shape, values: UnsafeBufferPointer<Float>, owner: AnyObject?) {
        precondition(
            values.count == shape.count,
            "tensor \(name): \(values.count) values do not fill the shape \(shape)")
        self.name = name
        self.shape = shape
        self.values = values
        self.owner = owner
    }

    /// A part of a storage, from element `offset` on.
    package init(name: String, shape: Shape, storage: Storage<Float>, offset: Int = 0) {
        precondition(
            offset >= 0 && offset + shape.count <= storage.count, "tensor \(name) leaves its storage")
        self.init(
            name: name, shape: shape,
            values: UnsafeBufferPointer(start: storage.pointer + offset, count: shape.count), owner: storage)
    }

    /// A copy of `tensor`.
    package init(name: String, _ tensor: Tensor) {
        let storage = Storage<Float>(count: tensor.values.count)
        _ = storage.buffer.update(fromContentsOf: tensor.values)
        self.init(name: name, shape: tensor.shape, storage: storage)
    }
}
