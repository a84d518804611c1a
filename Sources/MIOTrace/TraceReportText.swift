import Foundation
import MIOBase
import MIOConfig

/// A report for people, and for machines.
extension TraceReport {
    /// More rows than these are one: a page, not a list.
    private static let mostRows = 16

    /// About ten lines; the last says what binds.
    package var text: String {
        let ranks = description.ranks.count
        var lines = [
            "\(description.job): steps \(steps.lowerBound) to \(steps.upperBound), \(counted(ranks, "rank")) × "
                + "\(counted(description.threads, "thread")): "
                + "\(number(meanMilliseconds)) ms a step, median \(number(medianMilliseconds)) ms",
            "\((description.lanes ?? 1) > 1 ? "the limits of its first thread" : "a rank's limits"): \(number(limits.gigaflops)) GFLOP/s (sgemm), \(number(limits.triadGigabytes)) GB/s (triad)",
        ]
        let shown = shownRows
        let width = shown.map(\.name.count).max() ?? 0
        lines += shown.map { row in
            let share = percentText(row.share, decimals: 1)
            let padding = String(repeating: " ", count: width - row.name.count + max(0, 7 - share.count))
            return row.name + padding + "  \(share)  \(number(row.milliseconds)) ms" + speed(row)
        }
        if !betweenSteps.isEmpty {
            lines.append(
                "between steps: "
                    + betweenSteps.map { "\($0.name) \(number($0.milliseconds)) ms in all" }.joined(
                        separator: ", "))
        }
        if ranks > 1 { lines.append(slowest) }
        let dropped = description.ranks.reduce(0) { $0 + $1.dropped }
        if dropped > 0 {
            lines.append(
                "\(counted(dropped, "event")) of later steps did not fit and \(dropped == 1 ? "is" : "are") missing here"
            )
        }
        lines.append(conclusion)
        return lines.joined(separator: "\n")
    }

    /// The rows that take longest, in their order, and the others' sum.
    private var shownRows: [Row] {
        guard rows.count > Self.mostRows else { return rows }
        let smallest = Set(
            rows.indices.filter { rows[$0].isLayer }.sorted { rows[$0].share < rows[$1].share }
                .prefix(rows.count - Self.mostRows + 1))
        let merged = smallest.map { rows[$0] }
        let rest = Row(
            name: "\(merged.count) more layers", isLayer: true,
            milliseconds: merged.reduce(0) { $0 + $1.milliseconds },
            share: merged.reduce(0) { $0 + $1.share },
            gigaflops: 0, gigabytes: 0, bound: nil, ofLimit: 0)
        let kept = rows.indices.filter { !smallest.contains($0) }.map { rows[$0] }
        return kept.filter(\.isLayer) + [rest] + kept.filter { !$0.isLayer }
    }

    private func speed(_ row: Row) -> String {
        let percent = percentText(row.ofLimit)
        return switch row.bound {
        case .arithmetic: "  \(number(row.gigaflops)) GFLOP/s, \(percent) of sgemm"
        case .memory: "  \(number(row.gigabytes)) GB/s, \(percent) of triad"
        case nil: ""
        }
    }

    private var slowest: String {
        let most = busyMilliseconds.max() ?? 0
        let mean = busyMilliseconds.reduce(0, +) / Double(busyMilliseconds.count)
        let rank = busyMilliseconds.firstIndex(of: most) ?? 0
        return "slowest: rank \(rank) on \(description.ranks[rank].machine), busy \(number(most)) ms a step, "
            + "\(percentText(most / max(mean, 1e-9) - 1, decimals: 1)) more than the mean of all ranks"
    }

    /// The largest of what could be worked on.
    private var conclusion: String {
        let layers = rows.filter(\.isLayer)
        func share(_ rows: [Row]) -> Double { rows.reduce(0) { $0 + $1.share } }
        func named(_ name: String) -> [Row] { rows.filter { $0.name == name } }
        let arithmetic = layers.filter { $0.bound == .arithmetic }
        let memory = layers.filter { $0.bound == .memory }
        func largest(_ rows: [Row]) -> String {
            guard let row = rows.max(by: { $0.share < $1.share }) else { return "" }
            return "most of all \(row.name) (\(percentText(row.share)))"
        }
        let causes: [(share: Double, text: String)] = [
            (share(arithmetic), "the layers' arithmetic, \(largest(arithmetic))"),
            (share(memory), "what the layers read and write, \(largest(memory))"),
            (
                share(
                    named("waiting for ranks") + named("waiting for threads") + named("adding up gradients")),
                "what ranks and threads wait for each other, and the sums of gradients"
            ),
            (share(named("waiting for data")), "reading the data"),
            (share(named("optimizer")), "the optimizer's update"),
            (
                share(named("loading inputs") + named("losses and metrics")),
                "loading inputs, losses and metrics"
            ),
            (
                share(named("everything else") + named("records")),
                "what lies between the operations: steps so short that nothing else counts"
            ),
        ]
        let cause = causes.max { $0.share < $1.share }!
        return "What binds: \(cause.text); \(percentText(cause.share)) of a step."
    }

    /// Three significant digits.
    private func number(_ value: Double) -> String {
        value >= 100 ? fixedText(value, decimals: 0) : shortText(value, digits: 3)
    }

    /// One line of JSON.
    package var json: String {
        ConfigValue.dictionary([
            "job": .string(description.job), "ranks": .integer(description.ranks.count),
            "threads_per_rank": .integer(description.threads), "batch_size": .integer(description.batchSize),
            "first_step": .integer(steps.lowerBound), "last_step": .integer(steps.upperBound),
            "steps": .integer(stepCount), "mean_step_milliseconds": .real(meanMilliseconds),
            "median_step_milliseconds": .real(medianMilliseconds),
            "sgemm_gflops": .real(limits.gigaflops),
            "triad_gigabytes_per_second": .real(limits.triadGigabytes),
            "parts": .list(
                rows.map { row in
                    .dictionary([
                        "name": .string(row.name), "layer": .boolean(row.isLayer),
                        "milliseconds": .real(row.milliseconds), "share": .real(row.share),
                        "gflops": .real(row.gigaflops), "gigabytes_per_second": .real(row.gigabytes),
                        "bound": row.bound.map { .string($0.rawValue) } ?? .null,
                        "of_limit": .real(row.ofLimit),
                    ])
                }),
            "busy_milliseconds": .list(busyMilliseconds.map(ConfigValue.real)),
            "between_steps_milliseconds": .dictionary(
                betweenSteps.reduce(into: ConfigDictionary()) { $0[$1.name] = .real($1.milliseconds) }),
            "dropped_events": .integer(description.ranks.reduce(0) { $0 + $1.dropped }),
        ]).json()
    }
}
