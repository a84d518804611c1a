import MIOBase
import MIOFiles

/// An archive of arrays as `numpy.savez` and `numpy.savez_compressed` write it: a zip file of `.npy`
/// members. Stored members are used where they lie, deflated ones are decompressed when asked for.
package struct NpzFile {
    package let path: String
    /// The arrays' names, without `.npy`, in the order of the archive.
    package let arrayNames: [String]

    let file: MappedFile
    private let directory: ZipDirectory
    private let memberIndices: [String: Int]

    /// Maps the file and reads its directory; members are looked at when they are asked for.
    /// - Throws: `DataError` if the file is missing, empty, cut short, damaged or no zip archive.
    package init(path: String) throws {
        self.path = path
        file = try MappedFile.shard(path)
        directory = try ZipDirectory(file)
        var names: [String] = []
        var indices: [String: Int] = [:]
        for (index, member) in directory.members.enumerated() where member.name.hasSuffix(".npy") {
            let name = String(member.name.dropLast(4))
            names.append(name)
            indices[name] = index
        }
        arrayNames = names
        memberIndices = indices
    }

    /// The array of that name, or `nil` if there is none.
    ///
    /// A stored member's checksum is not compared (that would read all of the data): see
    /// ``DataArray/verify()``. A deflated member's is.
    /// - Parameters:
    ///   - classes: the texts that elements may be, which become their positions; `nil` if they must be numbers.
    ///   - scratch: takes the content of a deflated member.
    /// - Throws: `DataError` if the member is damaged or not read; `FileError` if it finds no room.
    package func array(named name: String, classes: [String]? = nil, scratch: ScratchStore) throws
        -> DataArray?
    {
        guard let member = try content(named: name, readsTexts: classes != nil, scratch: scratch) else {
            return nil
        }
        return try DataArray(
            npy: member.bytes, owner: member.owner, place: place(of: name), checksum: member.checksum,
            isVerified: member.isVerified, classes: classes, scratch: scratch)
    }

    /// The shape in the header of the array of that name, of whose content no more than the start is read.
    ///
    /// `nil` if there is no such array, or if its header cannot be read: ``array(named:classes:scratch:)`` says why.
    func shape(ofArray name: String, readsTexts: Bool) -> Shape? {
        guard let index = memberIndices[name] else { return nil }
        let member = directory.members[index]
        guard !member.isEncrypted, let content = try? directory.content(of: member, in: file) else {
            return nil
        }
        func shape(_ bytes: UnsafeRawBufferPointer) -> Shape? {
            try? NpyHeader(parsing: bytes, total: member.size, readsTexts: readsTexts, place: place(of: name))
                .shape
        }
        switch member.method {
        case 0: return shape(content)
        case 8: return inflatedStart(content, count: NpyHeader.mostBytes).withUnsafeBytes(shape)
        default: return nil
        }
    }

    /// The texts of the array of that name, or `nil` if there is none.
    /// - Throws: as ``array(named:classes:scratch:)``; `DataError` if its elements are no texts.
    func insertTexts(ofArray name: String, into known: inout OrderedTexts) throws -> Bool {
        guard let member = try content(named: name, readsTexts: true, scratch: ScratchStore()) else {
            return false
        }
        try withExtendedLifetime(member.owner) {
            try NpyTexts(member.bytes, place: place(of: name)).insert(into: &known)
        }
        return true
    }

    /// The bytes of a member: where they lie, or decompressed.
    private struct Content {
        let bytes: UnsafeRawBufferPointer
        let owner: AnyObject
        let checksum: UInt32
        /// Whether the bytes were compared with the checksum.
        let isVerified: Bool
    }

    private func place(of name: String) -> String { "\(path): array \(quoted: name)" }

    private func content(named name: String, readsTexts: Bool, scratch: ScratchStore) throws -> Content? {
        guard let index = memberIndices[name] else { return nil }
        let member = directory.members[index]
        let place = place(of: name)
        guard !member.isEncrypted else {
            throw DataError(
                .unsupported, place, "the member is encrypted; write the archive without a password")
        }
        let content = try directory.content(of: member, in: file)
        switch member.method {
        case 0:
            guard member.size == member.compressedSize else {
                throw DataError(
                    .badHeader, place,
                    "stored, but of \(member.size) bytes in \(member.compressedSize): the archive is damaged")
            }
            return Content(bytes: content, owner: file, checksum: member.checksum, isVerified: false)
        case 8:
            try checkExpansion(member, place: place)
            try scratch.checkRoom(for: member.size, place: place)
            let writer = try scratch.makeWriter(capacity: member.size)
            try inflateMember(
                content, size: member.size, checksum: member.checksum, readsTexts: readsTexts, into: writer,
                place: place)
            let (bytes, owner) = try writer.finish()
            return Content(bytes: bytes, owner: owner, checksum: member.checksum, isVerified: true)
        default:
            let names: [UInt16: String] = [
                9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ",
            ]
            let method = names[member.method].map { " (\($0))" } ?? ""
            throw DataError(
                .unsupported, place,
                "compression method \(member.method)\(method); stored and deflated members are read, as "
                    + "numpy.savez and numpy.savez_compressed write them")
        }
    }
}
