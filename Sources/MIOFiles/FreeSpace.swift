import CFileSpace
import Foundation
import MIOBase

/// What a file system still takes from this user.
package struct FreeSpace: Hashable, Sendable {
    /// The folder that was asked for, or the nearest above it that is there.
    package let folder: String
    /// What the file system has left for users; `nil` if it does not say. A quota may leave less.
    package let bytes: Int?

    /// - Parameter path: of a folder, which need not be there.
    package init(near path: String) {
        var existing = path
        while Folder.isMissing(existing), Folder.parent(of: existing) != existing {
            existing = Folder.parent(of: existing)
        }
        folder = existing
        var system = statvfs()
        // A file system without any block stores nothing.
        bytes =
            statvfs(existing, &system) == 0 && system.f_blocks > 0
            ? Int(clamping: system.f_bavail).clampedTimes(Int(clamping: system.f_frsize)) : nil
    }

    /// Asks for blocks for so many bytes, and gives them back: this alone tells what a quota leaves. Leaves nothing behind.
    /// - Returns: ENOSPC or EDQUOT; `nil` if there is room, or if the file system cannot say.
    package func refusal(of bytes: Int) -> Int32? {
        guard bytes > 0 else { return nil }
        var file = mio_open_nameless(folder)
        if file < 0 {
            let path = Folder.join(folder, ".mio-space-\(getpid())")
            file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if file >= 0 { unlink(path) }
        }
        // Whoever cannot write there is told by the first file that is meant.
        guard file >= 0 else { return nil }
        defer { _ = close(file) }
        while mio_allocate(file, Int64(bytes)) != 0 {
            switch errno {
            case EINTR: continue
            case let code where code == ENOSPC || code == EDQUOT: return code
            default: return nil
            }
        }
        return nil
    }
}
