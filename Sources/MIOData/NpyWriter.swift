import MIOBase
import MIOFiles

/// Writes an array that `numpy.load` reads, a piece at a time. The file appears when ``finish()`` returns.
package final class NpyWriter {
    /// The type of the elements in mio's words.
    package let elementType: ElementType
    package let shape: Shape
    /// `nil` once it has its name.
    private var file: AtomicFile?
    private let end: Int
    private var position: Int

    /// - Throws: `FileError` if the file cannot be created.
    package init(path: String, elementType: ElementType, shape: Shape) throws {
        self.elementType = elementType
        self.shape = shape
        let file = try AtomicFile(replacing: path)
        let header = NpyHeader.encode(elementType, shape)
        try file.write(header, at: 0)
        position = header.count
        end = header.count + shape.count * elementType.size
        self.file = consume file
    }

    /// Appends elements in row-major order.
    /// - Throws: `FileError` if they cannot be written.
    /// - Precondition: they are of the element type, and no more than the shape has.
    package func append<Element: ArrayElement>(_ elements: UnsafeBufferPointer<Element>) throws {
        precondition(Element.elementType == elementType, "another element type was announced")
        let bytes = UnsafeRawBufferPointer(elements)
        precondition(bytes.count <= end - position, "more elements than shape \(shape) has")
        try file?.write(bytes, at: position)
        position += bytes.count
    }

    /// As the other, from an array in memory.
    package func append<Element: ArrayElement>(_ elements: [Element]) throws {
        try elements.withUnsafeBufferPointer { try append($0) }
    }

    /// Gives the file its name.
    /// - Throws: `FileError` if it cannot be synced or renamed.
    /// - Precondition: the array is complete; called once.
    package func finish() throws {
        precondition(position == end, "the array is not complete")
        precondition(file != nil, "finish() was called before")
        try file.take()?.commit()
    }
}
