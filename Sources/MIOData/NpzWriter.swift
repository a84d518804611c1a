import MIOBase
import MIOFiles

/// Writes an archive of arrays that `numpy.load` reads: stored members, ZIP64 where sizes need it.
///
/// All shapes are given at the start, so every array's place is known and rows of different arrays may be
/// appended in turns, batch by batch: nothing but the batch is in memory. The file appears when
/// ``finish()`` returns, whole; before that nothing is under its name.
///
///     let writer = try NpzWriter(path: "predictions.npz", arrays: [
///         .init("kind", .float32, shape: [1000, 10]), .init("box", .float32, shape: [1000, 4])])
///     try writer.append(kinds, to: 0)
///     try writer.append(boxes, to: 1)
///     try writer.finish()
package final class NpzWriter {
    /// An array to write.
    package struct ArrayDescription: Hashable, Sendable {
        /// In logs and messages.
        package let name: String
        /// The type of the elements in mio's words.
        package let elementType: ElementType
        /// All extents, the sample axis first.
        package let shape: Shape

        package init(_ name: String, _ elementType: ElementType, shape: Shape) {
            self.name = name
            self.elementType = elementType
            self.shape = shape
        }
    }

    package let arrays: [ArrayDescription]
    /// `nil` once it has its name.
    private var file: AtomicFile?
    private var members: [ZipMemberWriter]

    /// - Parameters:
    ///   - arrays: to be appended to, by their index.
    ///   - texts: arrays of one axis, which are written at once.
    /// - Throws: `FileError` if the file cannot be created; `DataError` of kind `duplicate` for two arrays
    ///   of one name.
    /// - Precondition: the sizes fit 64 bits, there are fewer than 65535 arrays.
    package init(path: String, arrays: [ArrayDescription], texts: [(name: String, values: [String])] = [])
        throws
    {
        precondition(arrays.count + texts.count < 65535, "\(arrays.count) arrays in one archive")
        var seen: Set<String> = []
        for name in arrays.map(\.name) + texts.map(\.name) where !seen.insert(name).inserted {
            throw DataError(.duplicate, path, "two arrays are named \(quoted: name)")
        }
        self.arrays = arrays
        let file = try AtomicFile(replacing: path)
        var offset = 0
        members = arrays.map { array in
            let member = ZipMemberWriter(
                name: array.name + ".npy", header: NpyHeader.encode(array.elementType, array.shape),
                byteCount: array.shape.count * array.elementType.size, offset: offset)
            offset = member.end
            return member
        }
        for text in texts {
            let content = NpyText(text.values)
            var member = ZipMemberWriter(
                name: text.name + ".npy", header: content.header, byteCount: content.bytes.count,
                offset: offset)
            offset = member.end
            let place = content.bytes.withUnsafeBytes { member.accept($0) }
            try file.write(content.bytes, at: place)
            members.append(member)
        }
        for member in members { try file.write(member.npyHeader, at: member.contentOffset) }
        self.file = consume file
    }

    /// Appends elements, in row-major order, to the array of that index.
    /// - Throws: `FileError` if they cannot be written.
    /// - Precondition: they are of the array's element type, and no more than its shape has.
    package func append<Element: ArrayElement>(_ elements: UnsafeBufferPointer<Element>, to index: Int) throws
    {
        precondition(Element.elementType == arrays[index].elementType, "another element type was announced")
        let bytes = UnsafeRawBufferPointer(elements)
        try file?.write(bytes, at: members[index].accept(bytes))
    }

    /// As the other, from an array in memory.
    package func append<Element: ArrayElement>(_ elements: [Element], to index: Int) throws {
        try elements.withUnsafeBufferPointer { try append($0, to: index) }
    }

    /// Completes the archive and gives it its name.
    /// - Throws: `FileError` if it cannot be written, synced or renamed.
    /// - Precondition: every array is complete; called once.
    package func finish() throws {
        precondition(file != nil, "finish() was called before")
        var directory: [UInt8] = []
        for member in members {
            precondition(member.isComplete, "array \(quoted: member.name) is not complete")
            try file?.write(member.localHeader, at: member.offset)
            directory += member.directoryEntry
        }
        let start = members.last?.end ?? 0
        try file?.write(
            directory + zipEnd(entryCount: members.count, size: directory.count, start: start), at: start)
        try file.take()?.commit()
    }

    /// Writes whole arrays of floats.
    package static func write(_ tensors: [(name: String, tensor: Tensor)], to path: String) throws {
        let writer = try NpzWriter(
            path: path, arrays: tensors.map { ArrayDescription($0.name, .float32, shape: $0.tensor.shape) })
        for (index, entry) in tensors.enumerated() { try writer.append(entry.tensor.values, to: index) }
        try writer.finish()
    }
}
