import MIOBase
import MIOConfig
import MIORunFolder
import MIORunIndex

/// Values of the index as the API has them.
enum RunJSON {
    /// Series in a row of the list; a detail has all.
    static let mostSeries = 80

    static func row(_ run: IndexedRun, series: [IndexedSeries]) -> ConfigValue {
        var row: ConfigDictionary = [
            "key": .string(run.key), "name": .string(run.name), "path": .string(run.path),
            "state": .string(run.state), "step": .integer(run.step), "epoch": .integer(run.epoch),
            "attempt": .integer(run.attempt), "created": .integer(run.created),
            "updated": .integer(run.updated),
        ]
        row["cause"] = run.cause.map(ConfigValue.string) ?? .null
        row["ranks"] = run.ranks.map(ConfigValue.integer) ?? .null
        if let batch = run.batch { row["batch"] = Self.batch(batch) }
        if run.damagedLines > 0 { row["damaged_lines"] = .integer(run.damagedLines) }
        var values = ConfigDictionary()
        for entry in series.prefix(mostSeries) { values[entry.name.description] = .real(entry.value) }
        row["values"] = .dictionary(values)
        return .dictionary(row)
    }

    static func batch(_ batch: BatchState) -> ConfigValue {
        .dictionary([
            "job": batch.job.map(ConfigValue.string) ?? .null, "state": .string(batch.state),
            "reason": batch.reason.map(ConfigValue.string) ?? .null,
            "start": batch.start.map { .integer(Int($0.seconds)) } ?? .null,
            "nodes": batch.nodes.map(ConfigValue.string) ?? .null, "over": .boolean(batch.isOver),
            "seen": .integer(Int(batch.seen.seconds)),
        ])
    }

    static func series(_ entry: IndexedSeries) -> ConfigValue {
        .dictionary([
            "series": .string(entry.name.description), "count": .integer(entry.count),
            "step": .integer(entry.step),
            "value": .real(entry.value), "low": entry.low.map(ConfigValue.real) ?? .null,
            "high": entry.high.map(ConfigValue.real) ?? .null,
        ])
    }

    /// `low` and `high` are there where a bucket holds several points.
    static func curve(_ name: SeriesName, _ buckets: [CurveBucket]) -> ConfigValue {
        var curve: ConfigDictionary = [
            "series": .string(name.description), "count": .integer(buckets.reduce(0) { $0 + $1.count }),
            "steps": .list(buckets.map { .integer($0.lastStep) }),
            "mean": .list(buckets.map { $0.mean.map(ConfigValue.real) ?? .null }),
        ]
        if buckets.contains(where: { $0.count > 1 }) {
            curve["low"] = .list(buckets.map { $0.finiteCount > 0 ? .real($0.low) : .null })
            curve["high"] = .list(buckets.map { $0.finiteCount > 0 ? .real($0.high) : .null })
        }
        let odd = buckets.reduce(0) { $0 + $1.count - $1.finiteCount }
        if odd > 0 { curve["not_finite"] = .integer(odd) }
        return .dictionary(curve)
    }
}
