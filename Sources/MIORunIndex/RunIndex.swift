import Foundation
import GRDB
import MIOBase
import MIOFiles
import MIORunFolder
import Synchronization

/// What is known of the runs below some folders, kept in a SQLite file that is made from the folders alone.
///
/// Reading is safe from any thread. What changes the index (`scan`, `refresh`, `rebuild`) is done by one thread at a time.
package final class RunIndex: Sendable {
    /// The folders that are looked through, without links in their paths.
    package let roots: [String]
    private let current: Mutex<IndexFile>
    /// Held while the index is changed.
    let writing = NSLock()
    let counters = Mutex(Counters())

    /// What was done since the start: what tests hold to a limit instead of times.
    package struct Counters: Hashable, Sendable {
        /// Folders whose names were listed.
        package var listedFolders = 0
        /// Runs whose files were examined.
        package var examinedRuns = 0
        /// Lines of `metrics.jsonl` that were read.
        package var lines = 0
        /// Rows of points that curves have read.
        package var readChunks = 0
        package init() {}
    }

    /// - Parameters:
    ///   - path: of the SQLite file, on a local disk.
    ///   - roots: folders with runs; none may contain another.
    ///   - discards: begins with an empty index.
    /// - Throws: `FileError` or `RunError`.
    package init(path: String, roots: [String], discards: Bool = false) throws {
        var found: [String] = []
        for root in roots {
            guard let real = realpath(root, nil) else { throw FileError.system("open", root, code: errno) }
            defer { free(real) }
            found.append(String(cString: real))
        }
        for (index, root) in found.enumerated() {
            if let other = found.enumerated().first(where: {
                $0.offset != index && (root == $0.element || root.hasPrefix(Folder.join($0.element, "")))
            }) {
                throw RunError(
                    "\(shown: root) lies in \(shown: other.element), which is looked through anyway: name one of them",
                    exitCode: .usage)
            }
        }
        self.roots = found
        current = Mutex(try IndexFile(path, discards: discards))
    }

    /// Why the file that was there could not be used.
    package var rebuiltBecause: String? { current.withLock { $0.rebuilt } }
    package var counted: Counters { counters.withLock { $0 } }

    var pool: DatabasePool { current.withLock { $0.pool } }

    /// Forgets everything and reads all folders again.
    package func rebuild() throws {
        try writing.withLock {
            try pool.write { database in
                // Rows that refer to it go with a run.
                try database.execute(sql: "DELETE FROM run; DELETE FROM place;")
            }
        }
        try scan()
        try refreshAll()
    }

    /// Makes a new file where the old one is found to be damaged.
    /// - Returns: whether the error was of that kind, and the index is now to be filled again.
    func replaceIfDamaged(_ error: any Error) throws -> Bool {
        guard let error = error as? DatabaseError, IndexFile.isDamage(error) else { return false }
        try current.withLock { $0 = try $0.replaced() }
        return true
    }

    /// The root that holds a path, and what of the path is below it; `nil` if none does.
    package func place(of path: String) -> (root: String, relative: String)? {
        for root in roots {
            if path == root { return (root, "") }
            let prefix = Folder.join(root, "")
            if path.hasPrefix(prefix) { return (root, String(path.dropFirst(prefix.count))) }
        }
        return nil
    }

    /// The run's folder, opened from its root down without following a link.
    /// - Throws: `FileError`
    package func folder(of path: String) throws(FileError) -> ConfinedFolder {
        guard let place = place(of: path) else {
            throw FileError(
                action: "open", path: path, reason: "it is in none of \(listed(roots, longest: 200))",
                exitCode: .badInput)
        }
        let root = try ConfinedFolder(place.root)
        return place.relative.isEmpty ? root : try root.folder(place.relative)
    }

    // MARK: Reading

    /// The runs that match, in order, and how many match in all.
    package func runs(_ query: RunQuery) throws -> (runs: [IndexedRun], count: Int) {
        let clauses = try query.clauses()
        let limit = min(max(query.limit, 0), RunQuery.mostRows)
        return try pool.read { database in
            let count =
                try Int.fetchOne(
                    database, sql: "SELECT count(*) FROM run" + clauses.whereClause,
                    arguments: clauses.arguments) ?? 0
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT * FROM run" + clauses.whereClause + clauses.order + " LIMIT ? OFFSET ?",
                arguments: clauses.arguments + clauses.orderArguments + [limit, max(0, query.offset)])
            return (rows.map(IndexedRun.init), count)
        }
    }

    /// - Parameter key: as in the API.
    package func run(_ key: String) throws -> IndexedRun? {
        try pool.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM run WHERE key = ?", arguments: [key]).map(
                IndexedRun.init)
        }
    }

    /// How many runs are in each state.
    package func counts() throws -> [(state: String, count: Int)] {
        try pool.read { database in
            try Row.fetchAll(
                database, sql: "SELECT state, count(*) AS n FROM run GROUP BY state ORDER BY state"
            )
            .map { ($0["state"], $0["n"]) }
        }
    }

    /// What each of the runs' jobs sets.
    package func settings(of runs: [Int64]) throws -> [Int64: [String: String]] {
        try pool.read { database in
            var found: [Int64: [String: String]] = [:]
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT run, key, value FROM setting WHERE run IN (SELECT value FROM json_each(?))",
                arguments: [Self.json(runs)])
            while let row = try rows.next() { found[row["run"], default: [:]][row["key"]] = row["value"] }
            return found
        }
    }

    /// The series of each of the runs, by name.
    package func series(of runs: [Int64]) throws -> [Int64: [IndexedSeries]] {
        try pool.read { database in
            var found: [Int64: [IndexedSeries]] = [:]
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT run, event, name, count, step, value, low, high FROM series
                    WHERE run IN (SELECT value FROM json_each(?)) ORDER BY run, event, name
                    """,
                arguments: [Self.json(runs)])
            while let row = try rows.next() {
                found[row["run"], default: []].append(
                    IndexedSeries(
                        name: SeriesName(event: row["event"], name: row["name"]), count: row["count"],
                        step: row["step"], value: row["value"] ?? .nan, low: row["low"], high: row["high"]))
            }
            return found
        }
    }

    private static func json(_ numbers: [Int64]) -> String {
        "[" + numbers.map(String.init).joined(separator: ",") + "]"
    }

    /// A series' curve between two steps, in at most `most` buckets.
    ///
    /// Long curves come from the chunks' summaries: `most` buckets of a million points read a few thousand rows.
    /// - Returns: `nil` if the run has no such series.
    package func curve(
        of run: Int64, _ name: SeriesName, from: Int = .min, through: Int = .max, most: Int = 500
    ) throws -> [CurveBucket]? {
        let most = min(max(most, 1), 5_000)
        return try pool.read { database in
            guard
                let series = try Int64.fetchOne(
                    database, sql: "SELECT id FROM series WHERE run = ? AND event = ? AND name = ?",
                    arguments: [run, name.event, name.name])
            else { return nil }
            let bounds: StatementArguments = [series, from, through]
            let wanted = "series = ? AND last >= ? AND first <= ?"
            let chunks =
                try Int.fetchOne(
                    database, sql: "SELECT count(*) FROM chunk WHERE \(wanted)", arguments: bounds)
                ?? 0
            var buckets: [CurveBucket] = []
            if chunks >= 2 * most {
                let rows = try Row.fetchCursor(
                    database,
                    sql:
                        "SELECT first, last, count, finite, low, high, sum FROM chunk WHERE \(wanted) ORDER BY number",
                    arguments: bounds)
                buckets.reserveCapacity(chunks)
                while let row = try rows.next() {
                    buckets.append(
                        CurveBucket(
                            firstStep: row[0], lastStep: row[1], count: row[2], finiteCount: row[3],
                            low: row[4],
                            high: row[5], sum: row[6]))
                }
                counters.withLock { $0.readChunks += chunks }
            } else {
                let rows = try Row.fetchCursor(
                    database,
                    sql: """
                        SELECT bytes FROM points WHERE series = ?1 AND number IN
                        (SELECT number FROM chunk WHERE series = ?1 AND last >= ?2 AND first <= ?3) ORDER BY number
                        """,
                    arguments: bounds)
                while let row = try rows.next() {
                    counters.withLock { $0.readChunks += 1 }
                    try row.withUnsafeData(atIndex: 0) { data in
                        data?.withUnsafeBytes { bytes in
                            PackedPoints.read(bytes) { point in
                                if point.step >= from, point.step <= through {
                                    buckets.append(CurveBucket(point))
                                }
                            }
                        }
                    }
                }
            }
            return buckets.reduced(to: most)
        }
    }
}

extension RunIndex {
    /// - Parameter path: of its folder.
    package func run(at path: String) throws -> IndexedRun? {
        try pool.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM run WHERE path = ?", arguments: [path]).map(
                IndexedRun.init)
        }
    }

    /// The folders of the runs that are at work or wait.
    package func activePaths() throws -> [String] { try paths(in: RunFacts.activeStates) }

    /// The folders of the runs that say that they work, or were stopped, because their supervisors are gone.
    package func lostPaths() throws -> [String] { try paths(in: ["lost"]) }

    private static func json(_ words: Set<String>) -> String {
        "[" + words.sorted().map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }

    private func paths(in states: Set<String>) throws -> [String] {
        try pool.read { database in
            try String.fetchAll(
                database,
                sql:
                    "SELECT path FROM run WHERE state IN (SELECT value FROM json_each(?)) ORDER BY updated DESC",
                arguments: [Self.json(states)])
        }
    }

    /// The folders of the runs whose jobs of Slurm are not over, as far as it was asked.
    package func openBatchPaths() throws -> [String] {
        try pool.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT path FROM run WHERE batch IS NOT NULL
                    AND json_extract(batch, '$.state') NOT IN (SELECT value FROM json_each(?)) ORDER BY path
                    """,
                arguments: [Self.json(BatchState.finalStates)])
        }
    }

    package func allPaths() throws -> [String] {
        try pool.read { try String.fetchAll($0, sql: "SELECT path FROM run ORDER BY updated DESC") }
    }

    /// Runs that are at work, or have changed since a time; the newest first.
    package func recentRuns(since: Int, most: Int) throws -> [IndexedRun] {
        try pool.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM run WHERE updated >= ? OR state IN ('starting', 'running', 'stopping', 'restarting', 'waiting')
                    ORDER BY updated DESC LIMIT ?
                    """,
                arguments: [since, most]
            ).map(IndexedRun.init)
        }
    }
}
