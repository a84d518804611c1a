import MIOBase
import MIORunFolder

/// Finds a rank that computes longer than the others, again and again, from the times that ranks measure of their own steps.
///
/// Times are compared over windows. A rank is told of when it was slower in two windows in a row, and once: until it is as
/// fast as the others again, or another one is slower.
package struct StragglerWatch: Sendable {
    /// News of a rank.
    package struct Finding: Hashable, Sendable {
        package var rank: Int
        /// `false` for a rank that was slower and is not any more.
        package var isSlow: Bool
        package var step: Int
        package var text: String
    }

    /// A window is at least so long, and has as many timed steps of each rank.
    private let windowSeconds: Double
    private let windowSteps: Int
    /// So many times as long as the others is slow; one that was told of must come below the second to be as fast again.
    private static let slow = 1.5
    private static let fast = 1.25
    /// Of a step, that the others wait for it: less does not matter to anybody.
    private static let leastShare = 0.1

    private struct Window {
        var began: Double
        var steps: Int
        var timed: [Int: ProgressBoard.Entry.Timed]
    }

    private var window: Window?
    /// The rank that was slower in the window before, and at which step that began.
    private var suspect: (rank: Int, steps: Int)?
    /// The rank that was told of.
    private var told: Int?

    package init(windowSeconds: Double = 15, windowSteps: Int = 20) {
        self.windowSeconds = windowSeconds
        self.windowSteps = windowSteps
    }

    /// - Parameters:
    ///   - host: the machine of the ranks that are on no other.
    ///   - now: seconds of a clock that goes only forward.
    package mutating func look(_ ranks: [RankSight], host: String, now: Double) -> Finding? {
        let entries = ranks.compactMap { sight in sight.entry.map { (rank: sight.rank, entry: $0) } }
        let steps = entries.map(\.entry.stepsDone).min() ?? 0
        let present = Window(
            began: now, steps: steps,
            timed: Dictionary(entries.map { ($0.rank, $0.entry.timed) }) { first, _ in first })
        // A run that goes back counts its steps anew.
        guard let before = window, before.timed.keys == present.timed.keys, before.steps <= steps else {
            window = present
            suspect = nil
            return nil
        }
        guard now - before.began >= windowSeconds else { return nil }
        var costs: [Cost] = []
        for (rank, timed) in present.timed {
            guard let cost = Cost(rank, from: before.timed[rank], to: timed, atLeast: windowSteps) else {
                return nil
            }
            costs.append(cost)
        }
        window = present
        let stepSeconds = (now - before.began) / Double(max(1, steps - before.steps))
        let hosts = Dictionary(ranks.map { ($0.rank, $0.host ?? host) }) { first, _ in first }
        return judge(costs.sorted { $0.rank < $1.rank }, stepSeconds, from: before.steps, to: steps) {
            hosts[$0] ?? host
        }
    }

    /// What a rank's part of a step took on average.
    private struct Cost {
        let rank: Int
        let seconds: Double
        let samples: Double

        init?(
            _ rank: Int, from before: ProgressBoard.Entry.Timed?, to timed: ProgressBoard.Entry.Timed,
            atLeast least: Int
        ) {
            guard let before, timed.steps - before.steps >= max(1, least) else { return nil }
            let steps = Double(timed.steps - before.steps)
            self.rank = rank
            seconds = (timed.computeSeconds - before.computeSeconds) / steps
            samples = Double(timed.samples - before.samples) / steps
        }
    }

    private mutating func judge(
        _ costs: [Cost], _ stepSeconds: Double, from first: Int, to last: Int,
        _ host: (_ rank: Int) -> String
    ) -> Finding? {
        guard costs.count > 1, let slowest = costs.max(by: { $0.seconds < $1.seconds }) else { return nil }
        func times(_ cost: Cost) -> Double {
            let others = costs.filter { $0.rank != cost.rank }
            // A rank with more samples may take longer.
            return cost.seconds / max(Self.median(others.map(\.seconds)), 1e-9)
                / max(1, cost.samples / max(Self.median(others.map(\.samples)), 1e-9))
        }
        if let rank = told, let cost = costs.first(where: { $0.rank == rank }), times(cost) < Self.fast {
            told = nil
            suspect = nil
            return Finding(
                rank: rank, isSlow: false, step: last,
                text: "rank \(rank) (\(host(rank))) takes no longer to compute than the others any more")
        }
        let lost = slowest.seconds - Self.median(costs.filter { $0.rank != slowest.rank }.map(\.seconds))
        let share = lost / stepSeconds
        guard times(slowest) >= Self.slow, share >= Self.leastShare else {
            suspect = nil
            return nil
        }
        guard let earlier = suspect, earlier.rank == slowest.rank else {
            suspect = (slowest.rank, first)
            return nil
        }
        guard told != slowest.rank else { return nil }
        told = slowest.rank
        return Finding(
            rank: slowest.rank, isSlow: true, step: last,
            text:
                "rank \(slowest.rank) (\(host(slowest.rank))) takes \(Self.oneDigit(times(slowest))) times as long to compute "
                + "as the others over the last \(counted(last - earlier.steps, "step")); they wait for it in "
                + "\(Int(min(share, 1) * 100)) % of the time")
    }

    private static func oneDigit(_ value: Double) -> String {
        let tenths = Int((min(value, 1e6) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[(sorted.count - 1) / 2]
    }
}
