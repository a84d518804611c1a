import CZlib

/// The CRC-32 of gzip and zip (zlib's), computed piece by piece.
package struct CRC32: Hashable, Sendable {
    /// The checksum of all bytes so far; 0 for none.
    package private(set) var value: UInt32 = 0

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        // `crc32_z` takes the length as a size_t; `crc32` would cut it to 32 bits.
        guard let base = bytes.baseAddress else { return }
        value = UInt32(
            truncatingIfNeeded: crc32_z(
                UInt(value), base.assumingMemoryBound(to: UInt8.self), bytes.count))
    }

    package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = CRC32()
        checksum.update(bytes)
        return checksum.value
    }

    package static func of(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { of($0) } }

    /// The checksum of bytes whose first part has one checksum and whose last part has another.
    /// - Parameter length: bytes of the last part.
    package static func joined(_ first: UInt32, _ last: UInt32, length: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32_combine(UInt(first), UInt(last), length))
    }
}

/// The CRC-32C (Castagnoli) checksum of TensorBoard's records, table-driven, a byte at a time: RFC 3720,
/// appendix B.4.
package enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { (index: UInt32) -> UInt32 in
        var value = index
        for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
        return value
    }

    package static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        // Where the bytes lie together, not a call a byte.
        bytes.withContiguousStorageIfAvailable(ofContiguous)
            ?? Array(bytes).withUnsafeBufferPointer(ofContiguous)
    }

    private static func ofContiguous(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            var value: UInt32 = 0xFFFF_FFFF
            for byte in bytes { value = table[Int((value ^ UInt32(byte)) & 0xFF)] ^ (value >> 8) }
            return ~value
        }
    }

    /// As records store it: rotated right by 15 bits, plus a constant, so that checksums of data that hold
    /// checksums stay useful.
    package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let value = of(bytes)
        return ((value >> 15) | (value << 17)) &+ 0xA282_EAD8
    }
}
