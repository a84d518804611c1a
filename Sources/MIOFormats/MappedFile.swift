import Foundation
import MIOTensor

/// A file's bytes, read by the system when they are touched.
///
/// The mapping stays valid after the file is renamed or removed. Truncating the file while it is mapped
/// kills the process (`SIGBUS`): mio never writes to a file in place.
///
/// Sendable, unchecked: the bytes are never written through it.
public final class MappedFile: @unchecked Sendable {
    public let path: String
    public let bytes: UnsafeRawBufferPointer

    /// - Throws: `FileError` if the file is missing, unreadable, or not a regular file.
    public init(_ path: String) throws(FileError) {
        let file = try OpenFile(path, .reading)
        let count = try file.size()
        self.path = path
        // An empty file cannot be mapped.
        bytes = count == 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : try file.map(count: count)
    }

    deinit {
        if let address = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
        }
    }
}
