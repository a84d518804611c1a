import Foundation
import MIOBase

/// An open file descriptor of a plain file: every call checked, every error with the file's path, closed with its owner.
///
/// A FIFO, a socket, a device or a folder is refused without waiting: reading a FIFO that nobody writes to would never
/// end.
///
/// `close()` reports the error of a failed close (where a network file system says that data was lost);
/// without it the file is closed silently at the end of its life.
package struct OpenFile: ~Copyable {
    package enum Mode: Hashable, Sendable {
        /// An existing file, from its start.
        case reading
        /// A file that must not exist yet.
        case creating
        /// A file that is created if missing; every write goes to its end.
        case appending
    }

    package let path: String
    private var descriptor: Int32

    /// - Throws: `FileError`: not there, not a plain file, not allowed, or, when creating, there already.
    package init(_ path: String, _ mode: Mode) throws(FileError) {
        try self.init(path, mode, standingFor: path)
    }

    /// - Parameter target: the path that errors name, for a file that will get that name.
    init(_ path: String, _ mode: Mode, standingFor target: String) throws(FileError) {
        descriptor = try Self.open(path, mode, standingFor: target)
        self.path = target
    }

    private static func open(_ path: String, _ mode: Mode, standingFor target: String) throws(FileError)
        -> Int32
    {
        let flags =
            switch mode {
            case .reading: O_RDONLY
            case .creating: O_WRONLY | O_CREAT | O_EXCL
            case .appending: O_WRONLY | O_CREAT | O_APPEND
            }
        // Before it is opened: a device may do something then.
        if mode != .creating { try refuseSpecial(path, mode, standingFor: target) }
        // Should a FIFO have taken its place meanwhile, opening it must not wait for a writer.
        let descriptor = retrying { Foundation.open(path, flags | O_CLOEXEC | O_NONBLOCK, 0o644) }
        guard descriptor >= 0 else {
            throw .system(mode == .reading ? "read" : "create", target, code: errno)
        }
        do throws(FileError) {
            try verifyPlain(descriptor, mode, path: target)
        } catch {
            _ = Foundation.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// - Throws: `FileError` if there is something that is not a plain file.
    private static func refuseSpecial(_ path: String, _ mode: Mode, standingFor target: String)
        throws(FileError)
    {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        if let error = FileKind(status).refusal(mode, target) { throw error }
    }

    /// - Throws: `FileError` if an open descriptor is not of a plain file.
    package static func verifyPlain(_ descriptor: Int32, _ mode: Mode, path: String) throws(FileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("examine", path, code: errno) }
        if let error = FileKind(status).refusal(mode, path) { throw error }
    }

    /// The whole content of a small file.
    /// - Parameter most: bytes that it may have.
    /// - Throws: `FileError`: missing, not a plain file, unreadable, or larger.
    package static func contents(of path: String, atMost most: Int) throws(FileError) -> [UInt8] {
        let file = try OpenFile(path, .reading)
        var bytes: [UInt8] = []
        // Not the size that the system tells: the file may grow meanwhile, and those of /proc tell none.
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try readPiece(file, &piece)
            guard count > 0 else { return bytes }
            guard bytes.count + count <= most else {
                throw FileError(
                    action: "read", path: path, reason: "is larger than \(most) bytes", exitCode: .badInput)
            }
            bytes += piece[..<count]
        }
    }

    /// What a file has from a place on.
    /// - Parameters:
    ///   - start: bytes to leave out; if it has no more, nothing is read.
    ///   - most: bytes to read.
    package static func contents(of path: String, from start: Int, atMost most: Int) throws(FileError)
        -> [UInt8]
    {
        let file = try OpenFile(path, .reading)
        var bytes = [UInt8](repeating: 0, count: max(0, min(most, try file.size() - start)))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                retrying {
                    pread(
                        file.descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done,
                        off_t(start + done))
                }
            }
            guard count >= 0 else { throw .system("read", path, code: errno) }
            if count == 0 { break }
            done += count
        }
        bytes.removeLast(bytes.count - done)
        return bytes
    }

    private static func readPiece(_ file: borrowing OpenFile, _ piece: inout [UInt8]) throws(FileError) -> Int
    {
        let count = piece.withUnsafeMutableBytes { file.readOrCode(into: $0) }
        guard count >= 0 else { throw .system("read", file.path, code: Int32(-count)) }
        return count
    }

    /// The count of bytes read, or the negative `errno`.
    private func readOrCode(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = retrying { Foundation.read(descriptor, buffer.baseAddress, buffer.count) }
        return count >= 0 ? count : -Int(errno)
    }

    deinit {
        if descriptor >= 0 { _ = Foundation.close(descriptor) }
    }

    /// A new file without a name, for reading and writing, which the system removes when it is closed.
    /// - Parameter name: the beginning of the name that it has for a moment.
    /// - Throws: `FileError` if the folder is missing or not writable.
    package init(unnamedIn folder: String, name: String) throws(FileError) {
        let template = Folder.join(folder, name + "-XXXXXX")
        path = template
        var bytes = template.utf8CString
        descriptor = bytes.withUnsafeMutableBufferPointer { mkstemp($0.baseAddress!) }
        guard descriptor >= 0 else { throw .system("create", template, code: errno) }
        _ = bytes.withUnsafeBufferPointer { unlink($0.baseAddress!) }
        // mkstemp(3) cannot be asked for it; a program that this one starts would keep the room.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Bytes.
    /// - Throws: `FileError` if the file cannot be examined.
    package func size() throws(FileError) -> Int { try stamp().size }

    /// - Throws: `FileError` if the file cannot be examined.
    package func stamp() throws(FileError) -> FileStamp {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("examine", path, code: errno) }
        return FileStamp(status)
    }

    /// Reads up to `buffer.count` bytes; 0 at the end of the file.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        let count = retrying { Foundation.read(descriptor, buffer.baseAddress, buffer.count) }
        guard count >= 0 else { throw .system("read", path, code: errno) }
        return count
    }

    /// Writes all bytes: in one `write(2)` unless the system takes only a part.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = retrying { Foundation.write(descriptor, rest.baseAddress, rest.count) }
            guard count >= 0 else { throw .system("write", path, code: errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Writes all bytes.
    package func write(_ bytes: [UInt8]) throws(FileError) {
        try withBytes(bytes) { (buffer) throws(FileError) in try write(buffer) }
    }

    /// Writes all bytes at `offset`, wherever the file's end is. Not for a file opened for appending.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let count = retrying {
                pwrite(
                    descriptor, bytes.baseAddress! + written, bytes.count - written, off_t(offset + written))
            }
            guard count >= 0 else { throw .system("write", path, code: errno) }
            written += count
        }
    }

    /// Writes all bytes at `offset`, wherever the file's end is. Not for a file opened for appending.
    package func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
        try withBytes(bytes) { (buffer) throws(FileError) in try write(buffer, at: offset) }
    }

    /// Makes the file this long; what was not written reads as zeros and takes no room.
    package func resize(to size: Int) throws(FileError) {
        guard retrying({ ftruncate(descriptor, off_t(size)) }) == 0 else {
            throw .system("resize", path, code: errno)
        }
    }

    /// Returns when the content is on the disk (`fsync`).
    package func synchronize() throws(FileError) {
        guard retrying({ fsync(descriptor) }) == 0 else { throw .system("synchronize", path, code: errno) }
    }

    /// A read-only view of the first `count` bytes, which shows what is written to the file and outlives the
    /// descriptor; whoever asks for it calls `munmap`. `count` is above 0.
    package func map(count: Int) throws(FileError) -> UnsafeRawBufferPointer {
        let address = mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0)
        guard let address, address != MAP_FAILED else { throw .system("map", path, code: errno) }
        return UnsafeRawBufferPointer(start: address, count: count)
    }

    /// - Throws: `FileError` if the system could not write what it had accepted.
    package consuming func close() throws(FileError) {
        let closing = descriptor
        descriptor = -1
        // After EINTR Linux has closed the descriptor; closing again could hit another thread's.
        guard Foundation.close(closing) == 0 || errno == EINTR else {
            throw .system("close", path, code: errno)
        }
    }
}

/// Calls again as long as a signal interrupted.
func retrying<Count: SignedInteger>(_ call: () -> Count) -> Count {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

/// `withUnsafeBytes` for a body with a typed throw, which does not pass through the standard library's.
private func withBytes(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(FileError) -> Void
) throws(FileError) {
    let result: Result<Void, FileError> = bytes.withUnsafeBytes { buffer in
        do throws(FileError) {
            try body(buffer)
            return .success(())
        } catch { return .failure(error) }
    }
    try result.get()
}
