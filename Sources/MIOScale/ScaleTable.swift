import MIOBase
import MIOConfig

extension ScaleReport {
    private static let titles = [
        "ranks", "nodes", "samples", "step", "compute", "reduce", "update", "network", "control", "samples/s",
        "efficiency", "binds",
    ]

    /// The rows as a table, a line each, the titles first.
    package var table: String {
        let lines = [Self.titles] + rows.map(cells)
        let widths = Self.titles.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(
                separator: "  ")
        }.joined(separator: "\n")
    }

    private func cells(_ row: StepEstimate) -> [String] {
        [
            "\(row.ranks)", "\(row.machines)", "\(row.globalBatch)", durationText(row.seconds),
            durationText(row.compute),
            durationText(row.reduce), durationText(row.update), durationText(row.transfer + row.latency),
            durationText(row.control),
            fixedText(row.samplesPerSecond, decimals: row.samplesPerSecond < 100 ? 1 : 0),
            percentText(efficiency(row), decimals: 1), row.binds,
        ]
    }

    /// The same for programs, a list of mappings.
    package var config: ConfigValue {
        .list(
            rows.map { row in
                .dictionary([
                    "ranks": .integer(row.ranks), "nodes": .integer(row.machines),
                    "global_batch": .integer(row.globalBatch), "largest_part": .integer(row.largestPart),
                    "step_seconds": .real(row.seconds), "compute_seconds": .real(row.compute),
                    "reduce_seconds": .real(row.reduce), "update_seconds": .real(row.update),
                    "transfer_seconds": .real(row.transfer), "latency_seconds": .real(row.latency),
                    "control_seconds": .real(row.control), "samples_per_second": .real(row.samplesPerSecond),
                    "efficiency": .real(efficiency(row)), "binds": .string(row.binds),
                ])
            })
    }
}
