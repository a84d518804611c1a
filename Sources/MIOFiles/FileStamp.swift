import MIOSystem

/// What tells that a file is still the one that was opened.
package struct FileStamp: Hashable, Sendable {
    /// Bytes.
    package let size: Int
    package let inode: UInt64
    package let modifiedSeconds: Int
    package let modifiedNanoseconds: Int

    init(_ status: stat) {
        size = Int(status.st_size)
        inode = UInt64(status.st_ino)
        modifiedSeconds = Int(status.modified.tv_sec)
        modifiedNanoseconds = Int(status.modified.tv_nsec)
    }
}
