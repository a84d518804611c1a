import MIOBase
import MIOFiles
import MIOSystem

/// Room for what cannot be used where it lies: decompressed members, parsed CSV columns, arrays in another order.
///
/// The first `memoryBound` bytes are kept in memory; what comes after goes to unlinked temporary files and
/// is mapped, so that data larger than memory works and nothing is left behind.
package final class ScratchStore {
    /// Bytes kept in memory before files are used.
    package let memoryBound: Int
    /// The folder of the temporary files.
    package let folder: String

    private var memoryInUse = 0
    private var segment: ScratchSegment?
    private var segmentUsed = 0

    /// Larger than a page and rarely filled by one member: a few mappings hold many members.
    private static let segmentSize = 1 << 30

    /// - Parameter folder: of the temporary files; `nil` means `$TMPDIR`, else `/var/tmp`, which unlike
    ///   `/tmp` is not kept in memory.
    package init(memoryBound: Int = 256 << 20, folder: String? = nil) {
        self.memoryBound = memoryBound
        let named = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        self.folder = folder ?? (named.isEmpty ? "/var/tmp" : named)
    }

    /// Refuses what the folder of the temporary files cannot take, before it is decompressed or copied.
    /// - Throws: `FileError` with both sizes.
    func checkRoom(for size: Int, place: String) throws {
        guard size > memoryBound - memoryInUse else { return }
        var status = statvfs()
        // If the folder cannot be examined, making the file there gives the error.
        guard statvfs(folder, &status) == 0 else { return }
        let (free, overflow) = Int(status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
        guard !overflow, free < size else { return }
        throw FileError(
            action: "expand", path: place,
            reason:
                "it takes \(size) bytes, and \(folder) has \(free) free; set TMPDIR to a folder with room, if "
                + "the array should be so large")
    }

    /// Room for at most `capacity` bytes, to be filled from the start.
    /// - Throws: `FileError` if a temporary file cannot be made.
    func makeWriter(capacity: Int) throws -> ScratchWriter {
        if capacity <= memoryBound - memoryInUse {
            memoryInUse += capacity
            return ScratchWriter(block: ScratchMemory(capacity: capacity))
        }
        // Blocks begin at a cache line.
        let room = (capacity + 63) / 64 * 64
        if segment == nil || segment!.size - segmentUsed < room {
            segment = try ScratchSegment(folder: folder, size: max(room, Self.segmentSize))
            segmentUsed = 0
        }
        defer { segmentUsed += room }
        return ScratchWriter(segment: segment!, offset: segmentUsed, capacity: capacity)
    }
}

/// Fills one block of a `ScratchStore`.
final class ScratchWriter {
    private enum Target {
        case memory(ScratchMemory)
        case file(ScratchSegment, offset: Int, buffer: [UInt8])
    }

    private var target: Target
    private let capacity: Int
    private var count = 0
    /// Small appends (a CSV row) are joined before they are written to a file.
    private static let bufferSize = 1 << 16

    fileprivate init(block: ScratchMemory) {
        target = .memory(block)
        capacity = block.capacity
    }

    fileprivate init(segment: ScratchSegment, offset: Int, capacity: Int) {
        target = .file(segment, offset: offset, buffer: [])
        self.capacity = capacity
    }

    /// - Precondition: what was appended does not exceed the capacity.
    /// - Throws: `FileError` if the temporary file cannot be written (a full disk).
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(bytes.count <= capacity - count, "more than the announced capacity")
        switch target {
        case .memory(let block):
            if let source = bytes.baseAddress {
                (block.pointer + count).copyMemory(from: source, byteCount: bytes.count)
            }
        case .file(let segment, let offset, var buffer):
            target = .file(segment, offset: offset, buffer: [])  // so that appending does not copy
            buffer.append(contentsOf: bytes)
            if buffer.count >= Self.bufferSize {
                try segment.write(buffer, at: offset + count + bytes.count - buffer.count)
                buffer.removeAll(keepingCapacity: true)
            }
            target = .file(segment, offset: offset, buffer: buffer)
        }
        count += bytes.count
    }

    /// What was appended, and the object that keeps it alive.
    func finish() throws -> (bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        switch target {
        case .memory(let block): return (UnsafeRawBufferPointer(start: block.pointer, count: count), block)
        case .file(let segment, let offset, let buffer):
            try segment.write(buffer, at: offset + count - buffer.count)
            return (UnsafeRawBufferPointer(start: segment.pointer + offset, count: count), segment)
        }
    }
}

private final class ScratchMemory {
    let pointer: UnsafeMutableRawPointer
    let capacity: Int

    init(capacity: Int) {
        pointer = .allocate(byteCount: max(capacity, 1), alignment: 64)
        self.capacity = capacity
    }

    deinit { pointer.deallocate() }
}

/// An unnamed temporary file, mapped for reading and filled through its descriptor: a full disk is then an
/// error, where writing to the mapping would be a SIGBUS.
private final class ScratchSegment {
    let pointer: UnsafeRawPointer
    let size: Int
    private let file: OpenFile

    init(folder: String, size: Int) throws {
        let file: OpenFile
        do {
            file = try OpenFile(unnamedIn: folder, name: "mio-data")
        } catch { throw Self.advised(error) }
        try file.resize(to: size)
        pointer = try file.map(count: size).baseAddress!
        self.size = size
        self.file = consume file
    }

    func write(_ bytes: [UInt8], at offset: Int) throws {
        do { try file.write(bytes, at: offset) } catch { throw Self.advised(error) }
    }

    private static func advised(_ error: FileError) -> FileError {
        FileError(
            action: error.action, path: error.path,
            reason: error.reason + "; set TMPDIR to a folder with room", exitCode: error.exitCode)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: pointer), size) }
}
