import Foundation
import GRDB
import MIOBase
import MIOFiles

/// Finding runs below the roots.
///
/// A folder that is no run is a *place*. The index keeps when each place was last changed: only those that have changed
/// since are listed again, so looking for new runs costs a call of the system a place, whatever the number of runs.
extension RunIndex {
    /// How many folders deep runs are looked for, and in how many.
    private static let deepest = 8
    private static let mostPlaces = 100_000
    /// A folder that changed so short a time ago may change again without its time telling (nanoseconds).
    private static let settled = 2_000_000_000

    /// Looks for runs that are new or gone.
    /// - Returns: whether the list of runs has changed.
    @discardableResult
    package func scan() throws -> Bool {
        do {
            return try writing.withLock { try scanLocked() }
        } catch let error as DatabaseError {
            guard try replaceIfDamaged(error) else { throw error }
            _ = try writing.withLock { try scanLocked() }
            try refreshAll()
            return true
        }
    }

    private func scanLocked() throws -> Bool {
        var scan = Scan()
        try pool.read { database in
            for row in try Row.fetchAll(database, sql: "SELECT path, modified FROM place") {
                scan.places[row["path"]] = row["modified"]
            }
            for path in try String.fetchAll(database, sql: "SELECT path FROM run") { scan.runs.insert(path) }
        }
        let before = (scan.places, scan.runs)
        for root in roots {
            guard let folder = try? ConfinedFolder(root) else {
                // A file system that is not mounted now: what was there may come back.
                scan.keep(below: root)
                continue
            }
            look(into: folder, depth: 0, &scan)
        }
        counters.withLock { $0.listedFolders += scan.listed }
        // Runs of other roots, of an earlier start, go too.
        let gone = before.1.subtracting(scan.foundRuns)
        let new = scan.foundRuns.subtracting(before.1)
        if !gone.isEmpty || !new.isEmpty || scan.foundPlaces != before.0 {
            try pool.write { database in
                for path in gone {
                    try database.execute(sql: "DELETE FROM run WHERE path = ?", arguments: [path])
                }
                for (path, _) in before.0 where scan.foundPlaces[path] == nil {
                    try database.execute(sql: "DELETE FROM place WHERE path = ?", arguments: [path])
                }
                for (path, modified) in scan.foundPlaces where before.0[path] != modified {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO place (path, modified) VALUES (?, ?)",
                        arguments: [path, modified])
                }
                for path in new.sorted() { try insert(path, database) }
            }
        }
        for path in new { try refreshLocked(path) }
        return !gone.isEmpty || !new.isEmpty
    }

    private struct Scan {
        var places: [String: Int] = [:]
        var runs: Set<String> = []
        var foundPlaces: [String: Int] = [:]
        var foundRuns: Set<String> = []
        var listed = 0
        /// Names in a folder, of what was known before.
        private var childRuns: [String: [String]]?
        private var childPlaces: [String: [String]]?

        mutating func known(in path: String) -> (runs: [String], places: [String]) {
            if childRuns == nil {
                childRuns = Dictionary(grouping: runs, by: { Folder.parent(of: $0) })
                childPlaces = Dictionary(grouping: places.keys, by: { Folder.parent(of: $0) })
            }
            return (childRuns?[path] ?? [], childPlaces?[path] ?? [])
        }

        mutating func keep(below root: String) {
            let prefix = Folder.join(root, "")
            for run in runs where run == root || run.hasPrefix(prefix) { foundRuns.insert(run) }
            for (place, modified) in places where place == root || place.hasPrefix(prefix) {
                foundPlaces[place] = modified
            }
        }
    }

    private func look(into folder: borrowing ConfinedFolder, depth: Int, _ scan: inout Scan) {
        let path = folder.path
        guard let status = folder.ownStatus() else { return scan.keep(below: path) }
        if Self.isRun(folder) {
            scan.foundRuns.insert(path)
            return
        }
        guard depth < Self.deepest, scan.foundPlaces.count < Self.mostPlaces else { return }
        let now = Int(Date().timeIntervalSince1970 * 1e9)
        let isSettled = now - status.modified > Self.settled
        let wasKnown = scan.places[path] == status.modified
        scan.foundPlaces[path] = isSettled ? status.modified : 0
        let known = scan.known(in: path)
        if wasKnown, isSettled {
            for run in known.runs { scan.foundRuns.insert(run) }
            for place in known.places where place != path { look(at: place, in: folder, depth, &scan) }
            return
        }
        scan.listed += 1
        guard let names = try? folder.names() else { return scan.keep(below: path) }
        let runs = Set(known.runs)
        for name in names where !name.hasPrefix(".") && !Self.ofRuns.contains(name) {
            let child = Folder.join(path, name)
            guard folder.status(name)?.kind == .folder else { continue }
            if runs.contains(child) {
                scan.foundRuns.insert(child)
            } else {
                look(at: child, in: folder, depth, &scan)
            }
        }
    }

    private func look(
        at path: String, in folder: borrowing ConfinedFolder, _ depth: Int, _ scan: inout Scan
    ) {
        guard let child = try? folder.folder(Folder.name(of: path)) else { return }
        look(into: child, depth: depth + 1, &scan)
    }

    /// Names of folders in runs.
    private static let ofRuns: Set<String> = ["checkpoints", "logs"]

    private static func isRun(_ folder: borrowing ConfinedFolder) -> Bool {
        func has(_ name: String, _ kind: ConfinedFolder.Kind = .file) -> Bool {
            folder.status(name)?.kind == kind
        }
        return has("metrics.jsonl") || RunFacts.marks.contains { has($0) }
            || (has("job.yaml") && has("checkpoints", .folder))
    }
}
