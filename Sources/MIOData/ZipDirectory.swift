import MIOBase
import MIOFiles

/// A member of a zip archive.
struct ZipMember {
    let name: String
    /// 0 stored, 8 deflated; others are refused when the member is opened.
    let method: UInt16
    let checksum: UInt32
    let compressedSize: Int
    let size: Int
    let isEncrypted: Bool
    let localHeaderOffset: Int
}

/// The directory at the end of a zip archive, ZIP64 included (PKWARE's APPNOTE.TXT 6.3.10, section 4.3).
struct ZipDirectory {
    let members: [ZipMember]
    /// Where the directory starts: members lie before it.
    private let start: Int

    private static let localSignature: UInt32 = 0x0403_4b50
    private static let centralSignature: UInt32 = 0x0201_4b50
    private static let endSignature: UInt32 = 0x0605_4b50
    private static let end64Signature: UInt32 = 0x0606_4b50
    private static let locatorSignature: UInt32 = 0x0706_4b50

    init(_ file: MappedFile) throws {
        let bytes = file.bytes
        let end = try Self.findEnd(file)
        let (entryCount, size, start) = try Self.readEnd(file, at: end)
        guard start >= 0, size >= 0, start <= end, size <= end - start, entryCount <= size / 46 else {
            throw DataError(
                .badHeader, file.path,
                "the zip directory claims \(entryCount) members in \(size) bytes at \(start), beyond the "
                    + "file's \(bytes.count)")
        }
        self.start = start
        var members: [ZipMember] = []
        var names: Set<String> = []
        var offset = start
        for _ in 0..<entryCount {
            let member = try Self.readEntry(file, at: &offset, limit: start + size)
            guard names.insert(member.name).inserted else {
                throw DataError(.duplicate, file.path, "two members are named \(quoted: member.name)")
            }
            members.append(member)
        }
        self.members = members
    }

    /// The bytes of a member as they are in the archive: compressed if it is.
    func content(of member: ZipMember, in file: MappedFile) throws -> UnsafeRawBufferPointer {
        let offset = member.localHeaderOffset
        let place = "\(file.path): member \(quoted: member.name)"
        guard offset >= 0, offset <= start - 30,
            file.bytes.littleEndian(at: offset, as: UInt32.self) == Self.localSignature
        else { throw DataError(.badHeader, place, "its header is not where the zip directory says") }
        let begin =
            offset + 30 + Int(file.bytes.littleEndian(at: offset + 26, as: UInt16.self))
            + Int(file.bytes.littleEndian(at: offset + 28, as: UInt16.self))
        guard begin <= start, member.compressedSize <= start - begin else {
            throw DataError(
                .badHeader, place,
                "the zip directory claims \(member.compressedSize) bytes, more than the archive holds")
        }
        return UnsafeRawBufferPointer(rebasing: file.bytes[begin..<begin + member.compressedSize])
    }

    /// The offset of the record that ends every archive; a comment of up to 65535 bytes may follow it.
    private static func findEnd(_ file: MappedFile) throws -> Int {
        let bytes = file.bytes
        let magic: [UInt8] = [0x50, 0x4B]
        guard bytes.prefix(2).elementsEqual(magic.prefix(bytes.count)) else {
            throw DataError(.wrongMagic, file.path, "not a zip archive, which an .npz file is")
        }
        var offset = bytes.count - 22
        while offset >= max(0, bytes.count - 22 - 65535) {
            if bytes.littleEndian(at: offset, as: UInt32.self) == endSignature,
                offset + 22 + Int(bytes.littleEndian(at: offset + 20, as: UInt16.self)) == bytes.count
            {
                return offset
            }
            offset -= 1
        }
        throw DataError(
            .truncated, file.path,
            "the zip directory that ends an .npz file is missing: the file is cut short after "
                + "\(bytes.count) bytes; copy or write it again")
    }

    private static func readEnd(_ file: MappedFile, at end: Int) throws -> (Int, Int, Int) {
        let bytes = file.bytes
        let entryCount = bytes.littleEndian(at: end + 10, as: UInt16.self)
        let size = bytes.littleEndian(at: end + 12, as: UInt32.self)
        let start = bytes.littleEndian(at: end + 16, as: UInt32.self)
        let locator = end - 20
        guard entryCount == .max || size == .max || start == .max, locator >= 0,
            bytes.littleEndian(at: locator, as: UInt32.self) == locatorSignature
        else { return (Int(entryCount), Int(size), Int(start)) }
        guard let end64 = Int(exactly: bytes.littleEndian(at: locator + 8, as: UInt64.self)),
            end64 <= locator - 56, bytes.littleEndian(at: end64, as: UInt32.self) == end64Signature,
            let entryCount64 = Int(exactly: bytes.littleEndian(at: end64 + 32, as: UInt64.self)),
            let size64 = Int(exactly: bytes.littleEndian(at: end64 + 40, as: UInt64.self)),
            let start64 = Int(exactly: bytes.littleEndian(at: end64 + 48, as: UInt64.self))
        else { throw DataError(.badHeader, file.path, "its ZIP64 directory is not where the file says") }
        return (entryCount64, size64, start64)
    }

    private static func readEntry(_ file: MappedFile, at offset: inout Int, limit: Int) throws -> ZipMember {
        let bytes = file.bytes
        func damaged() -> DataError { DataError(.badHeader, file.path, "its zip directory is damaged") }
        guard limit - offset >= 46, bytes.littleEndian(at: offset, as: UInt32.self) == centralSignature else {
            throw damaged()
        }
        let nameEnd = offset + 46 + Int(bytes.littleEndian(at: offset + 28, as: UInt16.self))
        let extraEnd = nameEnd + Int(bytes.littleEndian(at: offset + 30, as: UInt16.self))
        let next = extraEnd + Int(bytes.littleEndian(at: offset + 32, as: UInt16.self))
        guard next <= limit else { throw damaged() }
        var sizes = [24, 20, 42].map { UInt64(bytes.littleEndian(at: offset + $0, as: UInt32.self)) }
        // A field of all ones is continued in the ZIP64 extra field, in this order.
        var field = nameEnd
        while field <= extraEnd - 4 {
            let identifier = bytes.littleEndian(at: field, as: UInt16.self)
            let fieldEnd = field + 4 + Int(bytes.littleEndian(at: field + 2, as: UInt16.self))
            guard fieldEnd <= extraEnd else { throw damaged() }
            if identifier == 1 {
                var value = field + 4
                for index in sizes.indices where sizes[index] == UInt64(UInt32.max) {
                    guard value <= fieldEnd - 8 else { throw damaged() }
                    sizes[index] = bytes.littleEndian(at: value, as: UInt64.self)
                    value += 8
                }
            }
            field = fieldEnd
        }
        guard let size = Int(exactly: sizes[0]), let compressedSize = Int(exactly: sizes[1]),
            let localOffset = Int(exactly: sizes[2])
        else { throw damaged() }
        defer { offset = next }
        return ZipMember(
            name: String(decoding: bytes[offset + 46..<nameEnd], as: UTF8.self),
            method: bytes.littleEndian(at: offset + 10, as: UInt16.self),
            checksum: bytes.littleEndian(at: offset + 16, as: UInt32.self), compressedSize: compressedSize,
            size: size, isEncrypted: bytes.littleEndian(at: offset + 8, as: UInt16.self) & 1 != 0,
            localHeaderOffset: localOffset)
    }
}
