import Foundation
import MIOBase

/// A file that appears under its name complete and on the disk, or not at all.
///
/// The content goes to a hidden file beside the target, `.NAME.tmp-PID`; `commit()` synchronizes it,
/// renames it, and synchronizes the folder. Whoever opens the name, before, during or after, sees the old
/// content or the new, and a kill or a full disk leaves the old. Without `commit()` the temporary is removed.
/// One process writes to a name at a time.
package struct AtomicFile: ~Copyable {
    package let path: String
    package let temporaryPath: String
    private var file: OpenFile?

    /// - Throws: `FileError` if the folder is missing or not writable, or what has the name is not a plain file.
    package init(replacing path: String) throws(FileError) {
        try Self.verifyReplaceable(path)
        let temporaryPath = Self.temporaryPath(for: path)
        // Left by a dead process that had this one's number.
        try Folder.remove(temporaryPath)
        let file = try OpenFile(temporaryPath, .creating, standingFor: path)
        self.path = path
        self.temporaryPath = temporaryPath
        self.file = consume file
    }

    /// Looks whether the path may be replaced: it has a plain file, or nothing.
    /// - Throws: `FileError`, the one of `init`.
    package static func verifyReplaceable(_ path: String) throws(FileError) {
        guard let kind = FileKind.of(path), kind != .plain else { return }
        if kind == .folder { throw .system("replace", path, code: EISDIR) }
        // Replacing /dev/null would leave the machine without it.
        throw FileError(
            action: "replace", path: path,
            reason: "not a plain file but \(kind.rawValue); choose another name")
    }

    deinit {
        if file != nil { unlink(temporaryPath) }
    }

    /// - Throws: `FileError` naming the target; a full disk is one.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        try file?.write(bytes)
    }

    package func write(_ bytes: [UInt8]) throws(FileError) {
        try file?.write(bytes)
    }

    /// Writes at `offset`, wherever the file's end is.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
        try file?.write(bytes, at: offset)
    }

    /// Writes at `offset`, wherever the file's end is.
    package func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
        try file?.write(bytes, at: offset)
    }

    /// - Throws: `FileError`; the target is then as it was, and the temporary removed, unless only the folder could not
    ///   be synchronized: then a power cut may bring the old content back.
    package consuming func commit() throws(FileError) {
        let path = path
        let temporaryPath = temporaryPath
        do throws(FileError) {
            try file?.synchronize()
            // `take` leaves nothing for the deinit to undo.
            try file.take()?.close()
            try Folder.rename(temporaryPath, to: path)
        } catch {
            unlink(temporaryPath)
            throw error
        }
        try Folder.synchronize(Folder.parent(of: path))
    }

    /// Writes a whole text at once.
    package static func write(_ text: String, to path: String) throws(FileError) {
        let file = try AtomicFile(replacing: path)
        try file.write(Array(text.utf8))
        try file.commit()
    }

    /// The hidden name beside `path` under which this process prepares it.
    package static func temporaryPath(for path: String) -> String {
        Folder.join(Folder.parent(of: path), ".\(Folder.name(of: path)).tmp-\(getpid())")
    }
}
