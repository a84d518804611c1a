import Foundation
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

    private func cells(_ row: Prediction) -> [String] {
        [
            "\(row.ranks)", "\(row.nodes)", "\(row.globalBatch)", duration(row.seconds),
            duration(row.compute),
            duration(row.reduce), duration(row.update), duration(row.transfer + row.latency),
            duration(row.control), format(row.samplesPerSecond, row.samplesPerSecond < 100 ? 1 : 0),
            format(100 * efficiency(row), 1) + " %", row.binds,
        ]
    }

    /// The same for programs, a list of mappings.
    package var config: ConfigValue {
        .list(
            rows.map { row in
                .dictionary([
                    "ranks": .integer(row.ranks), "nodes": .integer(row.nodes),
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

func format(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }

/// Three digits or so, with the unit that suits: `31.2 µs`, `4.50 ms`, `1.20 s`.
func duration(_ seconds: Double) -> String {
    if seconds == 0 { return "0" }
    let (value, unit) =
        seconds < 1e-3 ? (seconds * 1e6, "µs") : seconds < 1 ? (seconds * 1e3, "ms") : (seconds, "s")
    return format(value, value < 10 ? 2 : value < 100 ? 1 : 0) + " " + unit
}
