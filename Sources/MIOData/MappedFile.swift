import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What tells that a file is still the one that was opened.
struct FileStamp: Hashable, Sendable {
    let size: Int
    let inode: UInt64
    let modifiedSeconds: Int
    let modifiedNanoseconds: Int

    init(_ status: stat) {
        size = Int(status.st_size)
        inode = UInt64(status.st_ino)
        #if canImport(Glibc)
            modifiedSeconds = Int(status.st_mtim.tv_sec)
            modifiedNanoseconds = Int(status.st_mtim.tv_nsec)
        #else
            modifiedSeconds = Int(status.st_mtimespec.tv_sec)
            modifiedNanoseconds = Int(status.st_mtimespec.tv_nsec)
        #endif
    }
}

/// A file's content as read-only memory. The descriptor is closed at once, so any number of shards can be
/// mapped up to the system's limit of mappings (65530 by default on Linux).
///
/// `@unchecked Sendable`: the memory is never written and lives as long as this object.
final class MappedFile: @unchecked Sendable {
    let path: String
    let bytes: UnsafeRawBufferPointer
    let stamp: FileStamp

    /// - Throws: `DataError` if the file is missing, empty or not a plain file; `FileError` if it cannot be
    ///   opened or mapped.
    init(path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            if code == ENOENT { throw DataError(.missing, path, "no such file") }
            throw FileError(action: "open", path: path, reason: String(cString: strerror(code)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FileError(action: "examine", path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw DataError(.unsupported, path, "not a plain file; data.files must name files, not folders")
        }
        let size = Int(status.st_size)
        guard size > 0 else { throw DataError(.empty, path, "the file is empty (0 bytes)") }
        guard let memory = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0),
            memory != UnsafeMutableRawPointer(bitPattern: -1)
        else {
            let code = errno
            let advice =
                code == ENOMEM ? " (too many mappings? see vm.max_map_count, or join small shards)" : ""
            throw FileError(action: "map", path: path, reason: String(cString: strerror(code)) + advice)
        }
        self.path = path
        bytes = UnsafeRawBufferPointer(start: memory, count: size)
        stamp = FileStamp(status)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }

    /// Whoever truncates a mapped file kills its readers with SIGBUS; looking now and then turns the usual
    /// case, data written anew while a run goes on, into a message.
    /// - Throws: `DataError` of kind `changed`.
    func checkUnchanged() throws {
        var status = stat()
        guard stat(path, &status) == 0, FileStamp(status) == stamp else {
            throw DataError(
                .changed, path,
                "the file changed after the run opened it; leave shards alone while a run uses them")
        }
    }
}

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
