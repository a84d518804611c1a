import Foundation
import MIOBase

/// A file's bytes, read by the system when they are touched.
///
/// The mapping stays valid after the file is renamed or removed. Truncating the file while it is mapped kills the process
/// (`SIGBUS`, which `MappedFiles` gives a message): mio never writes to a file in place.
///
/// Sendable, unchecked: the bytes are never written through it.
package final class MappedFile: @unchecked Sendable {
    package let path: String
    package let bytes: UnsafeRawBufferPointer
    /// The file as it was when it was opened.
    package let stamp: FileStamp
    private let registration: Int?

    /// - Throws: `FileError` if the file is missing, unreadable, or not a plain file.
    package init(_ path: String) throws(FileError) {
        let file = try OpenFile(path, .reading)
        let stamp = try file.stamp()
        let count = stamp.size
        self.path = path
        self.stamp = stamp
        // An empty file cannot be mapped.
        bytes = count == 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : try file.map(count: count)
        registration = MappedFiles.add(bytes, path)
    }

    /// Whether the path still names the file that is mapped, with the content it had.
    /// - Throws: `FileError` if the system does not say.
    package func isUnchanged() throws(FileError) -> Bool {
        var status = Foundation.stat()
        if stat(path, &status) == 0 { return FileStamp(status) == stamp }
        if errno == ENOENT || errno == ENOTDIR { return false }
        throw .system("examine", path, code: errno)
    }

    deinit {
        if let registration { MappedFiles.remove(registration) }
        if let address = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
        }
    }
}
