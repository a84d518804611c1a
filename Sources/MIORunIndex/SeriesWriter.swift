import Foundation
import GRDB

/// Points of a run's series on their way into the index, in chunks.
struct SeriesWriter {
    /// Points of a chunk: a long curve is drawn from the chunks' summaries.
    static let chunkSize = 256
    /// Series that a run may have; lines of somebody else's making could name a new one each.
    static let mostSeries = 2_000

    private let run: Int64
    private var points: [SeriesName: [CurvePoint]] = [:]
    // Lines have the same names in the same order: looking them up by place is fast.
    private var lastNames: [String: [SeriesName]] = [:]

    init(run: Int64) { self.run = run }

    mutating func add(_ line: MetricLine) {
        var names = lastNames[line.event] ?? []
        if names.count != line.values.count || !zip(names, line.values).allSatisfy({ $0.name == $1.name }) {
            names = line.values.map { SeriesName(event: line.event, name: $0.name) }
            lastNames[line.event] = names
        }
        for (name, value) in zip(names, line.values) {
            points[name, default: []].append(CurvePoint(step: line.step, value: value.value))
        }
    }

    func write(_ database: Database) throws {
        let known =
            try Int.fetchOne(database, sql: "SELECT count(*) FROM series WHERE run = ?", arguments: [run])
            ?? 0
        var room = Self.mostSeries - known
        for (name, new) in points.sorted(by: { $0.key.description < $1.key.description }) {
            try write(new, name, &room, database)
        }
    }

    private func write(_ new: [CurvePoint], _ name: SeriesName, _ room: inout Int, _ database: Database)
        throws
    {
        var id = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT id FROM series WHERE run = ? AND event = ? AND name = ?"),
            arguments: [run, name.event, name.name])
        if id == nil {
            guard room > 0 else { return }
            room -= 1
            try database.cachedStatement(
                sql: "INSERT INTO series (run, event, name, count, step) VALUES (?, ?, ?, 0, 0)"
            ).execute(arguments: [run, name.event, name.name])
            id = database.lastInsertedRowID
        }
        let series = id!
        let last = try Row.fetchOne(
            database.cachedStatement(
                sql:
                    "SELECT number, first, last, count, finite, low, high, sum FROM chunk WHERE series = ? ORDER BY number DESC LIMIT 1"
            ),
            arguments: [series])
        var number: Int = last?["number"] ?? 0
        var bucket = last.map {
            CurveBucket(
                firstStep: $0["first"], lastStep: $0["last"], count: $0["count"], finiteCount: $0["finite"],
                low: $0["low"], high: $0["high"], sum: $0["sum"])
        }
        var bytes: [UInt8] = []
        if let full = bucket?.count, full < Self.chunkSize {
            bytes = try [UInt8](
                Data.fetchOne(
                    database.cachedStatement(sql: "SELECT bytes FROM points WHERE series = ? AND number = ?"),
                    arguments: [series, number]) ?? Data())
        } else if bucket != nil {
            number += 1
            bucket = nil
        }
        for (index, point) in new.enumerated() {
            PackedPoints.append(point, to: &bytes)
            if bucket == nil { bucket = CurveBucket(point) } else { bucket?.add(CurveBucket(point)) }
            guard let full = bucket, full.count == Self.chunkSize || index == new.count - 1 else { continue }
            try store(full, bytes, series, number, database)
            if full.count == Self.chunkSize {
                number += 1
                bucket = nil
                bytes.removeAll(keepingCapacity: true)
            }
        }
        try summarize(new, series, database)
    }

    private func store(
        _ bucket: CurveBucket, _ bytes: [UInt8], _ series: Int64, _ number: Int, _ database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO chunk (series, number, first, last, count, finite, low, high, sum)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                series, number, bucket.firstStep, bucket.lastStep, bucket.count, bucket.finiteCount,
                bucket.low,
                bucket.high, bucket.sum,
            ])
        try database.cachedStatement(
            sql: """
                INSERT INTO points (series, number, bytes) VALUES (?, ?, ?)
                ON CONFLICT (series, number) DO UPDATE SET bytes = excluded.bytes
                """
        ).execute(arguments: [series, number, Data(bytes)])
    }

    private func summarize(_ new: [CurvePoint], _ series: Int64, _ database: Database) throws {
        guard let last = new.last else { return }
        let finite = new.lazy.map(\.value).filter(\.isFinite)
        // SQLite has no NaN: it keeps NULL.
        try database.cachedStatement(
            sql: """
                UPDATE series SET count = count + ?, step = ?, value = ?,
                low = min(ifnull(low, ?4), ifnull(?4, low)), high = max(ifnull(high, ?5), ifnull(?5, high)) WHERE id = ?6
                """
        ).execute(
            arguments: [
                new.count, last.step, last.value.isNaN ? nil : last.value, finite.min(), finite.max(), series,
            ])
    }
}
