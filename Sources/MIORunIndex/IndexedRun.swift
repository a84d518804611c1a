import Foundation
import GRDB
import MIOConfig
import MIORunFolder

/// A run as the index knows it: one row of the table of runs.
package struct IndexedRun: Hashable, Sendable {
    /// Of the index, until it is rebuilt.
    package let id: Int64
    /// What addresses it in the API; the same after a rebuild.
    package let key: String
    /// Of its folder.
    package let path: String
    package let name: String
    package let state: String
    package let cause: String?
    package let step: Int
    package let epoch: Int
    package let attempt: Int
    package let ranks: Int?
    /// Seconds since 1970.
    package let created: Int
    package let updated: Int
    package let lines: Int
    package let damagedLines: Int
    /// What Slurm last said about its job.
    package let batch: BatchState?

    init(_ row: Row) {
        id = row["id"]
        key = row["key"]
        path = row["path"]
        name = row["name"]
        state = row["state"]
        cause = row["cause"]
        step = row["step"]
        epoch = row["epoch"]
        attempt = row["attempt"]
        ranks = row["ranks"]
        created = row["created"]
        updated = row["updated"]
        lines = row["lines"]
        damagedLines = row["damaged"]
        batch = (row["batch"] as String?).flatMap {
            try? JSONDecoder().decode(BatchState.self, from: Data($0.utf8))
        }
    }
}

/// The name of a series: the event that has it and Keras' log name, `epoch/val_kind_loss`.
package struct SeriesName: Hashable, Sendable, CustomStringConvertible {
    package let event: String
    package let name: String

    package init(event: String, name: String) {
        self.event = event
        self.name = name
    }

    /// - Parameter text: `epoch/val_loss`
    /// - Returns: `nil` without a `/`.
    package init?(_ text: some StringProtocol) {
        guard let slash = text.firstIndex(of: "/") else { return nil }
        self.init(event: String(text[..<slash]), name: String(text[text.index(after: slash)...]))
    }

    package var description: String { "\(event)/\(name)" }
}

/// A series of a run, summed up.
package struct IndexedSeries: Hashable, Sendable {
    package let name: SeriesName
    package let count: Int
    /// The newest point; NaN is kept as NaN.
    package let step: Int
    package let value: Double
    /// Of its finite values; `nil` without any.
    package let low: Double?
    package let high: Double?
}
