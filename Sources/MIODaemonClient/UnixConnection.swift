import Foundation
import MIOBase
import MIOFiles
import MIOSystem

/// A connection to a Unix socket.
package enum UnixConnection {
    /// Whether something accepts connections there.
    package static func isAnswered(_ path: String) -> Bool {
        guard let descriptor = try? open(path) else { return false }
        _ = close(descriptor)
        return true
    }

    /// - Returns: a descriptor that belongs to the caller.
    /// - Throws: `FileError`
    package static func open(_ path: String) throws(FileError) -> Int32 {
        let descriptor = makeStreamSocket(AF_UNIX)
        guard descriptor >= 0 else { throw .system("connect to", path, code: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8CString)
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else {
            _ = close(descriptor)
            throw .system("connect to", path, code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { place in
            bytes.withUnsafeBytes { place.copyMemory(from: $0) }
        }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            _ = close(descriptor)
            throw .system("connect to", path, code: code)
        }
        return descriptor
    }
}
