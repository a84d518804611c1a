import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Room for what cannot be used where it lies: decompressed members, parsed CSV columns.
///
/// The first `memoryBound` bytes are kept in memory; what comes after goes to unlinked temporary files and
/// is mapped, so that data larger than memory works and nothing is left behind.
public final class ScratchStore {
    /// Bytes kept in memory before files are used.
    public let memoryBound: Int
    /// The folder of the temporary files.
    public let folder: String

    private var memoryInUse = 0
    private var segment: ScratchSegment?
    private var segmentUsed = 0

    /// Larger than a page and rarely filled by one member: a few mappings hold many members.
    private static let segmentSize = 1 << 30

    /// - Parameter folder: of the temporary files; `nil` means `$TMPDIR`, else `/var/tmp`, which unlike
    ///   `/tmp` is not kept in memory.
    public init(memoryBound: Int = 256 << 20, folder: String? = nil) {
        self.memoryBound = memoryBound
        let named = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        self.folder = folder ?? (named.isEmpty ? "/var/tmp" : named)
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

/// An unlinked temporary file, mapped for reading and filled through its descriptor: a full disk is then an
/// error, where writing to the mapping would be a SIGBUS.
private final class ScratchSegment {
    let pointer: UnsafeRawPointer
    let size: Int
    private let descriptor: Int32
    private let path: String

    init(folder: String, size: Int) throws {
        let template = folder + "/mio-data-XXXXXX"
        var name = template.utf8CString
        let descriptor = name.withUnsafeMutableBufferPointer { mkstemp($0.baseAddress!) }
        guard descriptor >= 0 else {
            throw FileError(
                action: "create", path: template,
                reason: String(cString: strerror(errno)) + "; set TMPDIR to a folder with room")
        }
        _ = name.withUnsafeBufferPointer { unlink($0.baseAddress!) }
        guard ftruncate(descriptor, off_t(size)) == 0,
            let memory = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0),
            memory != UnsafeMutableRawPointer(bitPattern: -1)
        else {
            let code = errno
            close(descriptor)
            throw FileError(
                action: "map", path: template, reason: String(cString: strerror(code)))
        }
        pointer = UnsafeRawPointer(memory)
        self.size = size
        self.descriptor = descriptor
        path = template
    }

    func write(_ bytes: [UInt8], at offset: Int) throws {
        try bytes.withUnsafeBytes {
            try writeAll(
                $0, to: descriptor, at: offset, path: path, advice: "; set TMPDIR to a folder with room")
        }
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: pointer), size)
        close(descriptor)
    }
}

/// Writes all of `bytes` at `offset`, however many calls that takes.
func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int, path: String, advice: String = ""
) throws {
    var written = 0
    while written < bytes.count {
        let result = pwrite(
            descriptor, bytes.baseAddress! + written, bytes.count - written, off_t(offset + written))
        if result < 0 && errno == EINTR { continue }
        guard result > 0 else {
            throw FileError(
                action: "write", path: path, reason: String(cString: strerror(errno)) + advice)
        }
        written += result
    }
}
