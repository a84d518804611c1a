import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that appears under its name only when it is whole: written under a temporary name in the same
/// folder, synced, renamed, and the folder synced. Given up, it leaves nothing.
final class AtomicFile {
    let path: String
    private let temporaryPath: String
    private var descriptor: Int32

    /// - Throws: `FileError` if the folder is not there or not writable.
    init(path: String) throws {
        self.path = path
        // The process' id keeps two processes that write the same name apart.
        temporaryPath = path + ".\(getpid()).partial"
        descriptor = open(temporaryPath, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw FileError(action: "create", path: path, reason: String(cString: strerror(errno)))
        }
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            unlink(temporaryPath)
        }
    }

    /// - Throws: `FileError`, of a full disk for one.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        try writeAll(bytes, to: descriptor, at: offset, path: path)
    }

    func write(_ bytes: [UInt8], at offset: Int) throws {
        try bytes.withUnsafeBytes { try write($0, at: offset) }
    }

    /// Gives the file its name.
    /// - Throws: `FileError`; the temporary file is then removed with this object.
    func commit() throws {
        guard fsync(descriptor) == 0 else { throw failure("sync") }
        guard rename(temporaryPath, path) == 0 else { throw failure("rename") }
        close(descriptor)
        descriptor = -1
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let folderDescriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard folderDescriptor >= 0 else { throw failure("sync the folder of") }
        defer { close(folderDescriptor) }
        guard fsync(folderDescriptor) == 0 else { throw failure("sync the folder of") }
    }

    private func failure(_ action: String) -> FileError {
        FileError(action: action, path: path, reason: String(cString: strerror(errno)))
    }
}
