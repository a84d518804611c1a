import Foundation
import MIOBase

/// What mio asks of folders, each error with the path.
package enum Folder {
    // Not by NSString: swift-foundation ends the process on a name of one character.

    /// The folder that holds `path`: `.` for a bare name, `/` for the root.
    package static func parent(of path: String) -> String {
        let path = withoutSlashesAtEnd(path[...])
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        let parent = withoutSlashesAtEnd(path[..<slash])
        return parent.isEmpty ? "/" : String(parent)
    }

    /// The last part of `path`; `/` for the root.
    package static func name(of path: String) -> String {
        let path = withoutSlashesAtEnd(path[...])
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), path.utf8.count > 1 else {
            return String(path)
        }
        return String(path[path.utf8.index(after: slash)...])
    }

    private static func withoutSlashesAtEnd(_ path: Substring) -> Substring {
        var end = path.endIndex
        while end > path.startIndex {
            let last = path.utf8.index(before: end)
            guard path.utf8[last] == UInt8(ascii: "/"), last > path.startIndex else { break }
            end = last
        }
        return path[..<end]
    }

    package static func join(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// Creates the folder and those above it, on the disk too; nothing happens if it is there.
    /// - Throws: `FileError`: not allowed, or a file is in the way.
    package static func create(_ path: String) throws(FileError) {
        if mkdir(path, 0o755) == 0 { return try synchronize(parent(of: path)) }
        var code = errno
        if code == ENOENT, parent(of: path) != path {
            try create(parent(of: path))
            if mkdir(path, 0o755) == 0 { return try synchronize(parent(of: path)) }
            code = errno
        }
        // Another process may have been faster, and a mount point may refuse before it says EEXIST.
        if isFolder(path) { return }
        throw .system("create the folder", path, code: code == EEXIST ? ENOTDIR : code)
    }

    /// Looks whether `create` could create the folder; leaves nothing behind.
    /// - Throws: `FileError`, the one of `create`.
    package static func verifyCreatable(_ path: String) throws(FileError) {
        if isFolder(path) { return }
        // Where the folder above is not there either, the system does not look at the name.
        if name(of: path).utf8.count > Int(NAME_MAX) {
            throw .system("create the folder", path, code: ENAMETOOLONG)
        }
        var status = stat()
        let parent = parent(of: path)
        let code = lstat(path, &status) == 0 ? ENOTDIR : errno
        if code == ENOENT {
            if isFolder(parent) {
                if access(parent, W_OK | X_OK) != 0 {
                    throw .system("create the folder", path, code: errno)
                }
                if let code = failureOfCreating(in: parent) {
                    throw .system("create the folder", path, code: code)
                }
                return
            }
            if isMissing(parent), parent != path { return try verifyCreatable(parent) }
        }
        throw .system("create the folder", path, code: code)
    }

    /// Tries to create something in a folder: some file systems (`/proc`) refuse what their permissions grant.
    /// - Returns: the system's code; `nil` if it can be done.
    package static func failureOfCreating(in folder: String) -> Int32? {
        var template = Array(join(folder, ".mio-check-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { return errno }
        _ = rmdir(template)
        return nil
    }

    /// Whether `path` is a folder that can be examined.
    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether nothing has this name. What the system does not let one look at (in a folder that may not be searched, on a
    /// server that is gone) may be there: whoever opens it is told why that cannot be done.
    package static func isMissing(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) != 0 && [ENOENT, ENOTDIR, ENAMETOOLONG].contains(errno)
    }

    /// Whether `path` is a folder, as far as the system lets one look.
    package static func mayBeFolder(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return !isMissing(path) }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether anything has this name, a broken link included, and can be examined.
    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// The names in the folder, sorted; hidden ones too.
    /// - Throws: `FileError` if it is not a folder or cannot be read.
    package static func names(in path: String) throws(FileError) -> [String] {
        var names: [String] = []
        let code = entries(of: path) { names.append(String(decoding: $0.dropLast(), as: UTF8.self)) }
        if code == ENOENT {
            throw FileError(
                action: "list", path: path, reason: "there is no such folder", exitCode: .missingInput)
        }
        guard code == 0 else { throw .system("list", path, code: code) }
        return names.sorted()
    }

    /// The names in the folder as the system has them, which need not be UTF-8, each with the 0 behind it.
    /// - Returns: `errno`; 0 if all were read.
    private static func entries(of path: String, _ body: ([UInt8]) -> Void) -> Int32 {
        path.withCString { entries(of: $0, body) }
    }

    private static func entries(of path: UnsafePointer<CChar>, _ body: ([UInt8]) -> Void) -> Int32 {
        guard let folder = opendir(path) else { return errno }
        defer { closedir(folder) }
        while true {
            errno = 0
            guard let entry = readdir(folder) else { return errno }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: UInt8.self, capacity: 1) { bytes in
                    Array(UnsafeBufferPointer(start: bytes, count: strlen(bytes) + 1))
                }
            }
            if name != [46, 0], name != [46, 46, 0] { body(name) }
        }
    }

    /// Returns when the folder's list of names is on the disk: what a rename needs to survive a power cut.
    package static func synchronize(_ path: String) throws(FileError) {
        let descriptor = retrying { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw .system("open", path, code: errno) }
        defer { _ = close(descriptor) }
        let result = retrying { fsync(descriptor) }
        // Some network file systems cannot synchronize a folder and say EINVAL; there is no more to do.
        guard result == 0 || errno == EINVAL else { throw .system("synchronize", path, code: errno) }
    }

    /// `rename(2)`: an existing file, or an empty folder, of the new name is replaced.
    package static func rename(_ old: String, to new: String) throws(FileError) {
        guard Foundation.rename(old, new) == 0 else { throw .system("rename \(old) to", new, code: errno) }
    }

    /// Removes a file, or a folder with everything in it; nothing happens if it is not there.
    package static func remove(_ path: String) throws(FileError) {
        if let failure = removeTree(Array(path.utf8CString.map { UInt8(bitPattern: $0) })) {
            throw .system("remove", failure.path, code: failure.code)
        }
    }

    /// - Parameter path: with the 0 behind it.
    /// - Returns: `nil` if nothing has the name any more, whoever removed it.
    private static func removeTree(_ path: [UInt8]) -> (path: String, code: Int32)? {
        func call(_ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
            path.withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) { body($0.baseAddress!) } == 0 ? 0 : errno
            }
        }
        func failure(_ code: Int32) -> (path: String, code: Int32)? {
            code == 0 || code == ENOENT ? nil : (String(decoding: path.dropLast(), as: UTF8.self), code)
        }
        var status = stat()
        let examined = call { lstat($0, &status) }
        guard examined == 0 else { return failure(examined) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return failure(call { unlink($0) }) }
        var names: [[UInt8]] = []
        let listed = path.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { entries(of: $0.baseAddress!) { names.append($0) } }
        }
        guard listed == 0 else { return failure(listed) }
        for name in names {
            if let failure = removeTree(path.dropLast() + [UInt8(ascii: "/")] + name) { return failure }
        }
        return failure(call { rmdir($0) })
    }
}
