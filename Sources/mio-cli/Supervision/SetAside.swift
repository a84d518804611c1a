import MIOFiles
import MIORecords
import MIORunFolder

/// Checkpoints that are suspected of keeping a run from going on. They are renamed; when the run ends without having gone on from
/// an older one they get their names back, and when it has gone on they are removed.
enum SetAside {
    private static let prefix = "suspect-"

    /// - Returns: the new path; `nil` if it could not be renamed.
    static func move(_ step: Int, in folder: RunFolder) -> String? {
        let name = CheckpointStore.name(step: step)
        let path = Folder.join(folder.checkpointsPath, prefix + name)
        do {
            try Folder.remove(path)
            try Folder.rename(Folder.join(folder.checkpointsPath, name), to: path)
            return path
        } catch { return nil }
    }

    static func restore(in folder: RunFolder) {
        for name in names(in: folder) {
            let original = Folder.join(folder.checkpointsPath, String(name.dropFirst(prefix.count)))
            guard Folder.isMissing(original) else { continue }
            try? Folder.rename(Folder.join(folder.checkpointsPath, name), to: original)
        }
    }

    /// The run went on without them.
    static func forget(in folder: RunFolder) {
        for name in names(in: folder) { try? Folder.remove(Folder.join(folder.checkpointsPath, name)) }
    }

    private static func names(in folder: RunFolder) -> [String] {
        ((try? Folder.names(in: folder.checkpointsPath)) ?? []).filter { $0.hasPrefix(prefix) }
    }
}
