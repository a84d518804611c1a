import Foundation
import MIOBase

/// A folder that appears under its name with all its files on the disk, or not at all.
///
/// Files are written into `temporaryPath`, `.NAME.tmp-PID` beside the target; `commit()` synchronizes the
/// folder, renames it, and synchronizes its parent. Each file in it must have been synchronized by whoever
/// wrote it. Without `commit()` the temporary is removed with what is in it.
///
/// A process that is killed may leave hidden names behind; `recover(in:)` settles them.
package struct AtomicFolder: ~Copyable {
    package let path: String
    package let temporaryPath: String
    private var pending = true

    /// - Throws: `FileError` if the parent is missing or not writable.
    package init(creating path: String) throws(FileError) {
        let temporaryPath = AtomicFile.temporaryPath(for: path)
        try Folder.remove(temporaryPath)
        guard mkdir(temporaryPath, 0o755) == 0 else {
            throw .system("create the folder", temporaryPath, code: errno)
        }
        self.path = path
        self.temporaryPath = temporaryPath
    }

    deinit {
        // A deinit cannot throw; what stays behind is hidden, and `recover(in:)` removes it.
        if pending { do { try Folder.remove(temporaryPath) } catch {} }
    }

    /// A folder of the same name is replaced. No system renames over a folder with content, so the old one
    /// is renamed away first; after a kill between the two renames `recover(in:)` puts it back.
    /// - Throws: `FileError`; the target is then as it was, and the temporary removed, unless only the parent could not
    ///   be synchronized, or what was replaced not be removed.
    package consuming func commit() throws(FileError) {
        try Folder.synchronize(temporaryPath)
        let replaced = Self.hidden(path, "replaced")
        let replaces = !Folder.isMissing(path)
        if replaces {
            try Folder.remove(replaced)
            try Folder.rename(path, to: replaced)
        }
        do throws(FileError) {
            try Folder.rename(temporaryPath, to: path)
        } catch {
            if replaces { try Folder.rename(replaced, to: path) }
            throw error
        }
        pending = false
        try Folder.synchronize(Folder.parent(of: path))
        if replaces { try Folder.remove(replaced) }
    }

    /// Removes a folder so that its name never stands for a part of it: renamed away, then removed.
    package static func remove(_ path: String) throws(FileError) {
        let deleted = hidden(path, "deleted")
        try Folder.remove(deleted)
        try Folder.rename(path, to: deleted)
        try Folder.synchronize(Folder.parent(of: path))
        try Folder.remove(deleted)
    }

    /// Settles what killed processes left in `parent`: a folder renamed away whose successor never came
    /// gets its name back; every other hidden name of this type's and of `AtomicFile`'s is removed.
    ///
    /// No other process may be writing there.
    /// - Parameter names: only what stands for these; `nil` for all.
    package static func recover(in parent: String, only names: Set<String>? = nil) throws(FileError) {
        for (name, original, state) in try leftovers(in: parent) {
            guard names?.contains(original) ?? true else { continue }
            let path = Folder.join(parent, name)
            let originalPath = Folder.join(parent, original)
            if state == "replaced", Folder.isMissing(originalPath) {
                try Folder.rename(path, to: originalPath)
            } else {
                try Folder.remove(path)
            }
        }
    }

    /// Folders renamed away for a successor: the hidden names, and the names they had.
    package static func replaced(in parent: String) throws(FileError) -> [(name: String, original: String)] {
        try leftovers(in: parent).filter { $0.state == "replaced" }.map { ($0.name, $0.original) }
    }

    private static func leftovers(in parent: String) throws(FileError)
        -> [(name: String, original: String, state: String)]
    {
        try Folder.names(in: parent).compactMap { name in
            // An expression is compiled each time, which takes longer than all else here.
            guard name.hasPrefix("."),
                let match = name.wholeMatch(of: /\.(.+)\.(tmp|replaced|deleted)-[0-9]+/)
            else { return nil }
            return (name, String(match.1), String(match.2))
        }
    }

    private static func hidden(_ path: String, _ state: String) -> String {
        Folder.join(Folder.parent(of: path), ".\(Folder.name(of: path)).\(state)-\(getpid())")
    }
}
