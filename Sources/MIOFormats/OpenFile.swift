import Foundation
import MIOTensor

/// An open file descriptor: every call checked, every error with the file's path, closed with its owner.
///
/// `close()` reports the error of a failed close (where a network file system says that data was lost);
/// without it the file is closed silently at the end of its life.
public struct OpenFile: ~Copyable {
    public enum Mode: Sendable {
        /// An existing file, from its start.
        case reading
        /// A file that must not exist yet.
        case creating
        /// A file that is created if missing; every write goes to its end.
        case appending
    }

    public let path: String
    private var descriptor: Int32

    /// - Throws: `FileError`: not there, not allowed, or, when creating, there already.
    public init(_ path: String, _ mode: Mode) throws(FileError) {
        self.path = path
        let flags =
            switch mode {
            case .reading: O_RDONLY
            case .creating: O_WRONLY | O_CREAT | O_EXCL
            case .appending: O_WRONLY | O_CREAT | O_APPEND
            }
        descriptor = retrying { open(path, flags | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else {
            throw .system(mode == .reading ? "read" : "create", path, code: errno)
        }
    }

    deinit {
        if descriptor >= 0 { _ = Foundation.close(descriptor) }
    }

    /// Bytes.
    /// - Throws: `FileError` if the file cannot be examined, or is not a regular file.
    public func size() throws(FileError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("examine", path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(action: "read", path: path, reason: "not a regular file", exitCode: .badInput)
        }
        return Int(status.st_size)
    }

    /// Reads up to `buffer.count` bytes; 0 at the end of the file.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        let count = retrying { Foundation.read(descriptor, buffer.baseAddress, buffer.count) }
        guard count >= 0 else { throw .system("read", path, code: errno) }
        return count
    }

    /// Writes all bytes: in one `write(2)` unless the system takes only a part.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = retrying { Foundation.write(descriptor, rest.baseAddress, rest.count) }
            guard count >= 0 else { throw .system("write", path, code: errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Writes all bytes.
    public func write(_ bytes: [UInt8]) throws(FileError) {
        // The typed throw does not pass through the closure of the standard library.
        let result: Result<Void, FileError> = bytes.withUnsafeBytes { buffer in
            do throws(FileError) {
                try write(buffer)
                return .success(())
            } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Returns when the content is on the disk (`fsync`).
    public func synchronize() throws(FileError) {
        guard retrying({ fsync(descriptor) }) == 0 else { throw .system("synchronize", path, code: errno) }
    }

    /// A read-only view of the first `count` bytes that outlives the descriptor. `count` is above 0.
    func map(count: Int) throws(FileError) -> UnsafeRawBufferPointer {
        let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address, address != MAP_FAILED else { throw .system("map", path, code: errno) }
        return UnsafeRawBufferPointer(start: address, count: count)
    }

    /// - Throws: `FileError` if the system could not write what it had accepted.
    public consuming func close() throws(FileError) {
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
