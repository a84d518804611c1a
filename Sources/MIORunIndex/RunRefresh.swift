import Foundation
import GRDB
import MIOBase
import MIOFiles
import MIORunFolder

/// Reading what is new in runs' folders.
extension RunIndex {
    /// Reads what a run's folder has that the index does not.
    /// - Returns: whether anything was new.
    @discardableResult
    package func refresh(_ path: String) throws -> Bool {
        do {
            return try writing.withLock { try refreshLocked(path) }
        } catch let error as DatabaseError {
            guard try replaceIfDamaged(error) else { throw error }
            try scan()
            return true
        }
    }

    /// Reads what is new in all runs.
    /// - Parameter pause: called after each run; to give way to others.
    package func refreshAll(pause: () -> Void = {}) throws {
        for path in try pool.read({
            try String.fetchAll($0, sql: "SELECT path FROM run ORDER BY updated DESC")
        }) {
            try refresh(path)
            pause()
        }
    }

    func insert(_ path: String, _ database: Database) throws {
        let now = Int(Date().timeIntervalSince1970)
        try database.execute(
            sql: """
                INSERT INTO run (key, path, name, state, created, updated) VALUES (?, ?, ?, 'unknown', ?, ?)
                ON CONFLICT DO NOTHING
                """,
            arguments: [RunFacts.key(ofPath: path), path, Folder.name(of: path), now, now])
    }

    @discardableResult
    func refreshLocked(_ path: String) throws -> Bool {
        counters.withLock { $0.examinedRuns += 1 }
        guard
            let row = try pool.read({
                try Row.fetchOne($0, sql: "SELECT * FROM run WHERE path = ?", arguments: [path])
            })
        else { return false }
        let run = IndexedRun(row)
        var position = MetricsReader.Position(row)
        // A folder that cannot be read now keeps what is known of it; `scan` notices if it is gone.
        guard let folder = try? folder(of: path) else { return false }
        let stamp = RunFacts.stamp(folder)
        let wasRead: String = row["stamp"]
        let facts =
            stamp.text != wasRead || RunFacts.activeStates.contains(run.state) ? RunFacts(folder) : nil
        var isNew = false
        var newest = (step: run.step, epoch: run.epoch)
        reading: while true {
            let start = position
            var writer = SeriesWriter(run: run.id)
            let finding = try? MetricsReader.read(in: folder, from: &position) { line in
                newest = (max(newest.step, line.step), max(newest.epoch, line.epoch))
                writer.add(line)
            }
            switch finding {
            case nil, .nothing: break reading
            case .replaced:
                newest = (0, 0)
                try pool.write { database in
                    try database.execute(sql: "DELETE FROM series WHERE run = ?", arguments: [run.id])
                    try Self.store(position, run.id, database)
                }
            case .lines:
                counters.withLock { $0.lines += position.lines - start.lines }
                try pool.write { database in
                    try writer.write(database)
                    try Self.store(position, run.id, database)
                }
            }
            isNew = true
        }
        guard isNew || stamp.text != wasRead || facts.map({ $0.state != run.state }) ?? false else {
            return false
        }
        let modified = max(folder.status("metrics.jsonl")?.modified ?? 0, stamp.modified)
        let settings =
            stamp.text == wasRead
            ? nil
            : (try? folder.contents("job.yaml", atMost: 4 << 20)).map {
                JobSettings.read(String(decoding: $0, as: UTF8.self))
            }
        let created = facts?.created ?? min(run.created, modified / 1_000_000_000)
        try pool.write { database in
            try database.execute(
                sql: """
                    UPDATE OR IGNORE run SET key = ?, name = ?, state = ?, cause = ?, step = ?, epoch = ?, attempt = ?,
                    ranks = ?, batch = ?, created = ?, updated = ?, stamp = ? WHERE id = ?
                    """,
                arguments: [
                    facts?.key ?? run.key, facts?.name ?? run.name, facts?.state ?? run.state,
                    facts == nil ? run.cause : facts?.cause, max(newest.step, facts?.step ?? 0),
                    newest.epoch, facts?.attempt ?? run.attempt, facts == nil ? run.ranks : facts?.ranks,
                    try Self.text(facts == nil ? run.batch : facts?.batch), created, modified / 1_000_000_000,
                    stamp.text, run.id,
                ])
            guard let settings else { return }
            try database.execute(sql: "DELETE FROM setting WHERE run = ?", arguments: [run.id])
            for (key, value) in settings {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO setting (run, key, value) VALUES (?, ?, ?)",
                    arguments: [run.id, key, value])
            }
        }
        return true
    }

    private static func text(_ batch: BatchState?) throws -> String? {
        try batch.map { try FolderJSON.line($0, path: BatchState.name) }
    }

    private static func store(_ position: MetricsReader.Position, _ run: Int64, _ database: Database) throws {
        try database.execute(
            sql:
                "UPDATE run SET device = ?, inode = ?, modified = ?, offset = ?, before = ?, lines = ?, damaged = ? WHERE id = ?",
            arguments: [
                Int64(bitPattern: position.device), Int64(bitPattern: position.inode), position.modified,
                position.offset,
                Data(position.before), position.lines, position.damaged, run,
            ])
    }
}

extension MetricsReader.Position {
    fileprivate init(_ row: Row) {
        device = UInt64(bitPattern: row["device"] as Int64)
        inode = UInt64(bitPattern: row["inode"] as Int64)
        modified = row["modified"]
        offset = row["offset"]
        before = [UInt8](row["before"] as Data)
        lines = row["lines"]
        damaged = row["damaged"]
    }
}
