import CZlib
import MIOBase
import MIOFiles

/// The most that DEFLATE can expand: 258 bytes from 2 bits. A claim beyond it is a lie.
private let largestExpansion = 1032

/// Decompresses a raw DEFLATE stream (no zlib header) into `output`, piece by piece.
/// - Parameters:
///   - size: the size that the archive claims; it must be exact.
///   - readsTexts: whether the array's elements may be texts.
/// - Throws: `DataError` if the stream is damaged, of another size, or its checksum differs; `FileError` if
///   `output` cannot be written.
func inflateMember(
    _ compressed: UnsafeRawBufferPointer, size: Int, checksum: UInt32, readsTexts: Bool,
    into output: ScratchWriter, place: String
) throws {
    // The first chunk holds the whole header of an array.
    let chunkSize = 1 << 18
    let chunk = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: chunkSize)
    defer { chunk.deallocate() }
    var stream = z_stream()
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        throw FileError(action: "decompress", path: place, reason: "zlib cannot start (out of memory?)")
    }
    defer { inflateEnd(&stream) }
    var consumed = 0
    var produced = 0
    var actual = CRC32()
    var status = Z_OK
    while status != Z_STREAM_END {
        // zlib counts in 32 bits: a large member is passed in pieces.
        let piece = min(compressed.count - consumed, 1 << 30)
        let input = compressed.baseAddress.map { $0 + consumed }
        stream.next_in = UnsafeMutableRawPointer(mutating: input)?.assumingMemoryBound(to: UInt8.self)
        stream.avail_in = UInt32(piece)
        stream.next_out = chunk.baseAddress
        stream.avail_out = UInt32(chunkSize)
        status = inflate(&stream, Z_NO_FLUSH)
        consumed += piece - Int(stream.avail_in)
        let count = chunkSize - Int(stream.avail_out)
        guard status == Z_OK || status == Z_STREAM_END, produced + count <= size,
            status == Z_STREAM_END || count > 0 || piece > Int(stream.avail_in)
        else {
            throw DataError(
                .corrupt, place,
                "it does not decompress to the \(size) bytes that the archive claims: the content is damaged "
                    + "or cut short; copy or write the file again")
        }
        let bytes = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: chunk[..<count]))
        // An array that is not read, or of another size than the archive claims, is refused before the rest is written.
        if produced == 0, count > 0, status != Z_STREAM_END {
            _ = try NpyHeader(parsing: bytes, total: size, readsTexts: readsTexts, place: place)
        }
        actual.update(bytes)
        try output.append(bytes)
        produced += count
    }
    guard produced == size else {
        throw DataError(
            .corrupt, place, "it decompresses to \(produced) bytes, the archive claims \(size)")
    }
    if actual.value != checksum {
        throw checksumMismatch(place, expected: checksum, actual: actual.value)
    }
}

/// The first bytes that a raw DEFLATE stream expands to, at most `count`; fewer if it ends or is damaged before.
func inflatedStart(_ compressed: UnsafeRawBufferPointer, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { output, produced in
        var stream = z_stream()
        guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return
        }
        defer { inflateEnd(&stream) }
        stream.next_in = UnsafeMutableRawPointer(mutating: compressed.baseAddress)?
            .assumingMemoryBound(to: UInt8.self)
        stream.avail_in = UInt32(min(compressed.count, 1 << 30))
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(count)
        _ = inflate(&stream, Z_NO_FLUSH)
        produced = count - Int(stream.avail_out)
    }
}

/// Refuses sizes that no DEFLATE stream can reach, before memory is taken for them.
func checkExpansion(_ member: ZipMember, place: String) throws {
    guard member.size / largestExpansion <= member.compressedSize else {
        throw DataError(
            .badHeader, place,
            "the archive claims \(member.size) bytes from \(member.compressedSize) compressed ones, more than "
                + "its compression can give")
    }
}
