import Foundation
import MIOBase

/// What a path can lead to.
enum FileKind: String {
    case plain = "a plain file"
    case folder = "a folder"
    case fifo = "a FIFO (named pipe)"
    case socket = "a socket"
    case characterDevice = "a character device"
    case blockDevice = "a block device"
    case other = "a special file"

    init(_ status: stat) {
        self =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .plain
            case S_IFDIR: .folder
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            default: .other
            }
    }

    /// Of what `path` leads to; `nil` if there is nothing.
    static func of(_ path: String) -> FileKind? {
        var status = stat()
        return stat(path, &status) == 0 ? FileKind(status) : nil
    }

    /// The error for what is not a plain file; `nil` for one.
    func refusal(_ mode: OpenFile.Mode, _ path: String) -> FileError? {
        guard self != .plain else { return nil }
        return FileError(
            action: mode == .reading ? "read" : "write", path: path,
            reason: "not a plain file but \(rawValue)",
            exitCode: mode == .reading ? .badInput : .inputOutput)
    }
}
