import MIOBase

/// Bytes of rows that are put in order at a time: few enough for the second-level cache.
private let blockBytes = 1 << 19

/// Copies an array's elements into row-major order and the machine's byte order.
/// - Parameters:
///   - content: the elements as the file has them.
///   - header: says their shape, type and order.
/// - Throws: `FileError` if `scratch` has no room.
func rowMajorCopy(
    of content: UnsafeRawBufferPointer, _ header: NpyHeader, into scratch: ScratchStore, place: String
) throws -> (bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    switch header.elementSize {
    case 1: try rowMajorCopy(UInt8.self, content, header, scratch, place)
    case 2: try rowMajorCopy(UInt16.self, content, header, scratch, place)
    case 4: try rowMajorCopy(UInt32.self, content, header, scratch, place)
    default: try rowMajorCopy(UInt64.self, content, header, scratch, place)
    }
}

private func rowMajorCopy<Element: FixedWidthInteger & BitwiseCopyable>(
    _ type: Element.Type, _ content: UnsafeRawBufferPointer, _ header: NpyHeader, _ scratch: ScratchStore,
    _ place: String
) throws -> (bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    let size = MemoryLayout<Element>.size
    try scratch.checkRoom(for: content.count, place: place)
    let writer = try scratch.makeWriter(capacity: content.count)
    guard let base = content.baseAddress, !content.isEmpty else { return try writer.finish() }
    let rows = header.shape.dimensions.first ?? 1
    let rowElements = content.count / size / rows
    let block = max(1, min(rows, blockBytes / (rowElements * size)))
    let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: block * rowElements)
    defer { buffer.deallocate() }
    var order = FortranOrder(header.shape)
    for first in stride(from: 0, to: rows, by: block) {
        let count = min(block, rows - first)
        if header.isFortranOrder {
            // Elements of one place in the row lie together, a row after the other.
            order.restart()
            for place in 0..<rowElements {
                let source = base + (place * rows + first) * size
                let target = order.next()
                for row in 0..<count {
                    buffer[row * rowElements + target] = source.loadUnaligned(
                        fromByteOffset: row * size, as: Element.self)
                }
            }
        } else {
            let source = base + first * rowElements * size
            for index in 0..<count * rowElements {
                buffer[index] = source.loadUnaligned(fromByteOffset: index * size, as: Element.self)
            }
        }
        if header.isBigEndian {
            for index in 0..<count * rowElements { buffer[index] = Element(bigEndian: buffer[index]) }
        }
        try writer.append(
            UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[..<(count * rowElements)])))
    }
    return try writer.finish()
}

/// The row-major places of one sample's elements, in column-major order.
private struct FortranOrder {
    private let extents: [Int]
    private let strides: [Int]
    private var counters: [Int]
    private var place = 0

    init(_ shape: Shape) {
        extents = Array(shape.dimensions.dropFirst())
        var strides = [Int](repeating: 1, count: extents.count)
        for axis in extents.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * extents[axis + 1]
        }
        self.strides = strides
        counters = [Int](repeating: 0, count: extents.count)
    }

    mutating func restart() {
        for axis in counters.indices { counters[axis] = 0 }
        place = 0
    }

    mutating func next() -> Int {
        defer { advance() }
        return place
    }

    private mutating func advance() {
        for axis in extents.indices {
            counters[axis] += 1
            place += strides[axis]
            if counters[axis] < extents[axis] { return }
            place -= counters[axis] * strides[axis]
            counters[axis] = 0
        }
    }
}
