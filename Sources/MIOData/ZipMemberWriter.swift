import MIOBase
import MIOFiles

/// One stored member of an archive being written, at a place that is known from the start.
struct ZipMemberWriter {
    let name: String
    let npyHeader: [UInt8]
    /// Of the member's own zip header.
    let offset: Int
    let contentOffset: Int
    let end: Int
    private let nameBytes: [UInt8]
    private var position: Int
    private var checksum = CRC32()

    private static let limit = Int(UInt32.max)
    /// 1 January 1980, the earliest that the format knows: equal arrays give equal files.
    private static let date: UInt16 = 0x0021
    /// Names are UTF-8.
    private static let flags: UInt16 = 1 << 11

    init(name: String, header: [UInt8], byteCount: Int, offset: Int) {
        self.name = name
        npyHeader = header
        self.offset = offset
        nameBytes = Array(name.utf8)
        precondition(nameBytes.count <= 65535, "a name of \(nameBytes.count) bytes")
        let extraSize = header.count + byteCount >= Self.limit ? 20 : 0
        contentOffset = offset + 30 + nameBytes.count + extraSize
        end = contentOffset + header.count + byteCount
        position = contentOffset + header.count
        header.withUnsafeBytes { checksum.update($0) }
    }

    private var size: Int { end - contentOffset }
    private var isLarge: Bool { size >= Self.limit }
    var isComplete: Bool { position == end }

    /// Counts bytes of the content, which come after those before.
    /// - Returns: where in the file they belong.
    mutating func accept(_ bytes: UnsafeRawBufferPointer) -> Int {
        precondition(bytes.count <= end - position, "more elements than the shape of \(quoted: name) has")
        checksum.update(bytes)
        defer { position += bytes.count }
        return position
    }

    var localHeader: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: 0x0403_4b50 as UInt32)
        appendCommon(to: &bytes)
        bytes.append(littleEndian: UInt16(nameBytes.count))
        bytes.append(littleEndian: isLarge ? 20 : 0 as UInt16)
        bytes += nameBytes
        if isLarge {
            bytes.append(littleEndian: 1 as UInt16)
            bytes.append(littleEndian: 16 as UInt16)
            bytes.append(littleEndian: UInt64(size))
            bytes.append(littleEndian: UInt64(size))
        }
        return bytes
    }

    var directoryEntry: [UInt8] {
        var extra: [UInt8] = []
        if isLarge {
            extra.append(littleEndian: UInt64(size))
            extra.append(littleEndian: UInt64(size))
        }
        if offset >= Self.limit { extra.append(littleEndian: UInt64(offset)) }
        var bytes: [UInt8] = []
        bytes.append(littleEndian: 0x0201_4b50 as UInt32)
        bytes.append(littleEndian: 0x032D as UInt16)  // made under Unix, by version 4.5
        appendCommon(to: &bytes)
        bytes.append(littleEndian: UInt16(nameBytes.count))
        bytes.append(littleEndian: extra.isEmpty ? 0 : UInt16(extra.count + 4))
        bytes.append(littleEndian: 0 as UInt16)  // comment
        bytes.append(littleEndian: 0 as UInt16)  // disk
        bytes.append(littleEndian: 0 as UInt16)  // internal attributes
        bytes.append(littleEndian: 0o600 << 16 as UInt32)  // permissions, as numpy sets them
        bytes.append(littleEndian: UInt32(min(offset, Self.limit)))
        bytes += nameBytes
        if !extra.isEmpty {
            bytes.append(littleEndian: 1 as UInt16)
            bytes.append(littleEndian: UInt16(extra.count))
            bytes += extra
        }
        return bytes
    }

    /// From the version needed to the sizes: the same in both headers.
    private func appendCommon(to bytes: inout [UInt8]) {
        bytes.append(littleEndian: isLarge ? 45 : 20 as UInt16)
        bytes.append(littleEndian: Self.flags)
        bytes.append(littleEndian: 0 as UInt16)  // stored
        bytes.append(littleEndian: 0 as UInt16)  // midnight
        bytes.append(littleEndian: Self.date)
        bytes.append(littleEndian: checksum.value)
        bytes.append(littleEndian: UInt32(min(size, Self.limit)))
        bytes.append(littleEndian: UInt32(min(size, Self.limit)))
    }
}

/// The records after the directory's entries.
func zipEnd(entryCount: Int, size: Int, start: Int) -> [UInt8] {
    let limit = Int(UInt32.max)
    var bytes: [UInt8] = []
    if size >= limit || start >= limit {
        bytes.append(littleEndian: 0x0606_4b50 as UInt32)
        bytes.append(littleEndian: 44 as UInt64)  // the bytes of this record that follow
        bytes.append(littleEndian: 0x032D as UInt16)
        bytes.append(littleEndian: 45 as UInt16)
        bytes.append(littleEndian: 0 as UInt64)  // disks
        for value in [entryCount, entryCount, size, start] { bytes.append(littleEndian: UInt64(value)) }
        bytes.append(littleEndian: 0x0706_4b50 as UInt32)
        bytes.append(littleEndian: 0 as UInt32)
        bytes.append(littleEndian: UInt64(start + size))
        bytes.append(littleEndian: 1 as UInt32)
    }
    bytes.append(littleEndian: 0x0605_4b50 as UInt32)
    bytes.append(littleEndian: 0 as UInt32)  // disks
    bytes.append(littleEndian: UInt16(entryCount))
    bytes.append(littleEndian: UInt16(entryCount))
    bytes.append(littleEndian: UInt32(min(size, limit)))
    bytes.append(littleEndian: UInt32(min(start, limit)))
    bytes.append(littleEndian: 0 as UInt16)  // comment
    return bytes
}
