/// Integers as bytes, the lowest first: in files, and between ranks. A float travels as its `bitPattern`.
extension FixedWidthInteger {
    /// The bytes of the integer, the lowest first.
    package var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }

    /// The integer of these bytes, the lowest first.
    /// - Precondition: there are as many as the type has.
    package init(littleEndianBytes bytes: some Collection<UInt8>) {
        precondition(bytes.count == Self.bitWidth / 8, "\(bytes.count) bytes for \(Self.bitWidth) bits")
        self = bytes.reversed().reduce(0) { $0 << 8 | Self(truncatingIfNeeded: $1) }
    }
}

extension [UInt8] {
    /// Appends the bytes of an integer, the lowest first.
    package mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// The bytes of words, one word after the other, the lowest byte of each first.
    package init(littleEndian words: [UInt64]) {
        self = words.map(\.littleEndian).withUnsafeBytes { Array($0) }
    }

    /// The words of these bytes, the opposite of `init(littleEndian:)`.
    /// - Precondition: each word is whole.
    package var littleEndianWords: [UInt64] {
        precondition(count % 8 == 0, "\(count) bytes are not whole words")
        return withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 8).map { bytes.littleEndian(at: $0, as: UInt64.self) }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The integer whose bytes begin at `offset`, the lowest first, at any alignment.
    /// - Precondition: its bytes lie inside the buffer.
    package func littleEndian<Integer: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int, as type: Integer.Type
    ) -> Integer {
        precondition(offset >= 0 && offset <= count - MemoryLayout<Integer>.size, "read outside the buffer")
        return Integer(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}
