extension UnsafeRawBufferPointer {
    /// The little-endian integer at `offset`, at any alignment.
    /// - Precondition: its bytes lie inside the buffer.
    func integer<Integer: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Integer.Type)
        -> Integer
    {
        precondition(offset >= 0 && offset <= count - MemoryLayout<Integer>.size, "read outside a file")
        return Integer(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}
