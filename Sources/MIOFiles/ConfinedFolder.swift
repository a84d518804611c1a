import Foundation
import MIOBase

/// A folder that is open, and below which files are opened by relative paths that cannot leave it.
///
/// Every component of a path is opened by itself and must not be a symbolic link, `.` or `..`. So neither a name that a
/// request chose nor a link that somebody put into the folder leads out of it, also if folders are renamed meanwhile.
package struct ConfinedFolder: ~Copyable {
    /// Of the folder, for messages.
    package let path: String
    private let descriptor: Int32

    /// What is below the folder.
    package enum Kind: Hashable, Sendable {
        case file
        case folder
        case other
    }

    /// What the system tells of a file or folder.
    package struct Status: Hashable, Sendable {
        package let kind: Kind
        /// Bytes.
        package let size: Int
        package let device: UInt64
        package let inode: UInt64
        /// Nanoseconds since 1970.
        package let modified: Int

        fileprivate init(_ status: stat) {
            kind =
                switch status.st_mode & S_IFMT {
                case S_IFREG: .file
                case S_IFDIR: .folder
                default: .other
                }
            size = Int(status.st_size)
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
            modified = Int(status.modified.tv_sec) * 1_000_000_000 + Int(status.modified.tv_nsec)
        }
    }

    /// - Parameter path: links in it are followed: the folder itself is the user's choice.
    /// - Throws: `FileError` if it is not a folder or may not be read.
    package init(_ path: String) throws(FileError) {
        let descriptor = retrying { Foundation.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw .system("open", path, code: errno) }
        self.path = path
        self.descriptor = descriptor
    }

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    /// Whether `name` is a single component that stays below its folder.
    package static func isComponent(_ name: some StringProtocol) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= Int(NAME_MAX)
            && !name.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
    }

    /// The components of a relative path.
    /// - Throws: `FileError` if it is absolute, empty, or has a component that leads elsewhere.
    private func components(_ relative: String) throws(FileError) -> [String] {
        let components = relative.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard components.allSatisfy({ Self.isComponent($0) }) else {
            throw FileError(
                action: "open", path: relative,
                reason: "not a path below \(path.shown(most: 300)): names separated by /, without . and ..",
                exitCode: .badInput)
        }
        return components
    }

    /// A folder below this one.
    /// - Parameter relative: `a/b`.
    /// - Throws: `FileError` if a component is missing, a link, or not a folder.
    package func folder(_ relative: String) throws(FileError) -> ConfinedFolder {
        ConfinedFolder(
            path: Folder.join(path, relative), descriptor: try walk(try components(relative), relative))
    }

    /// The descriptor of the last of the components, each a folder; it belongs to the caller.
    private func walk(_ components: some Collection<String>, _ relative: String) throws(FileError) -> Int32 {
        var current = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard current >= 0 else { throw .system("open", path, code: errno) }
        for name in components {
            let next = retrying {
                openat(current, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            let code = errno
            _ = close(current)
            guard next >= 0 else { throw Self.refusal(Folder.join(path, relative), code: code) }
            current = next
        }
        return current
    }

    private static func refusal(_ path: String, code: Int32) -> FileError {
        // O_NOFOLLOW says ELOOP, with O_DIRECTORY ENOTDIR.
        if code == ELOOP {
            return FileError(
                action: "open", path: path, reason: "a symbolic link is in it, which is not followed",
                exitCode: .badInput)
        }
        return .system("open", path, code: code)
    }

    /// Opens a plain file for reading.
    /// - Parameter relative: `logs/attempt-1/rank-0.log`.
    /// - Returns: a descriptor that belongs to the caller, and what it is of.
    /// - Throws: `FileError` if it is missing, a link, or no plain file.
    package func open(_ relative: String) throws(FileError) -> (descriptor: Int32, status: Status) {
        let parts = try components(relative)
        let parent = try walk(parts.dropLast(), relative)
        defer { _ = close(parent) }
        let full = Folder.join(path, relative)
        let opened = retrying {
            openat(parent, parts.last!, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        }
        guard opened >= 0 else { throw Self.refusal(full, code: errno) }
        var status = stat()
        guard fstat(opened, &status) == 0 else {
            let code = errno
            _ = close(opened)
            throw .system("examine", full, code: code)
        }
        let found = Status(status)
        guard found.kind == .file else {
            _ = close(opened)
            throw FileError(action: "read", path: full, reason: "not a plain file", exitCode: .badInput)
        }
        return (opened, found)
    }

    /// A small file's content.
    /// - Parameter most: bytes that it may have.
    /// - Throws: `FileError` if it is missing, a link, no plain file, or larger.
    package func contents(_ relative: String, atMost most: Int) throws(FileError) -> [UInt8] {
        let (file, status) = try open(relative)
        defer { _ = close(file) }
        guard status.size <= most else {
            throw FileError(
                action: "read", path: Folder.join(path, relative),
                reason: "has \(status.size) bytes, more than the \(most) that are read", exitCode: .badInput)
        }
        return try Self.bytes(of: file, path: Folder.join(path, relative), from: 0, atMost: status.size)
    }

    /// The last bytes of a file, and its size.
    package func tail(_ relative: String, atMost most: Int) throws(FileError) -> (bytes: [UInt8], size: Int) {
        let (file, status) = try open(relative)
        defer { _ = close(file) }
        let start = max(0, status.size - most)
        return (
            try Self.bytes(of: file, path: Folder.join(path, relative), from: start, atMost: most),
            status.size
        )
    }

    /// Up to `most` bytes from `offset` on.
    package static func bytes(of file: Int32, path: String, from offset: Int, atMost most: Int)
        throws(FileError) -> [UInt8]
    {
        var bytes = [UInt8](repeating: 0, count: most)
        var count = 0
        while count < most {
            let read = bytes.withUnsafeMutableBytes { buffer in
                retrying { pread(file, buffer.baseAddress! + count, most - count, off_t(offset + count)) }
            }
            guard read >= 0 else { throw .system("read", path, code: errno) }
            if read == 0 { break }
            count += read
        }
        bytes.removeLast(most - count)
        return bytes
    }

    /// What stands at a path below; `nil` if nothing does, or a link is on the way. A link itself is `.other`.
    package func status(_ relative: String) -> Status? {
        guard let parts = try? components(relative), let parent = try? walk(parts.dropLast(), relative) else {
            return nil
        }
        defer { _ = close(parent) }
        var status = stat()
        guard fstatat(parent, parts.last!, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return Status(status)
    }

    /// What the system tells of the folder itself; `nil` if it does not.
    package func ownStatus() -> Status? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Status(status) : nil
    }

    /// The names in it, sorted; hidden ones too.
    /// - Throws: `FileError` if it cannot be read.
    package func names() throws(FileError) -> [String] {
        // A stream owns its descriptor, and starts where that one stands.
        let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0, let stream = fdopendir(own) else {
            let code = errno
            if own >= 0 { _ = close(own) }
            throw .system("list", path, code: code)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
