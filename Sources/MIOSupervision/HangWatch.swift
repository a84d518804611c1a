import MIOBase
import MIORunFolder

/// Finds that a run hangs, and the rank that the others wait for.
package struct HangWatch: Sendable {
    package private(set) var limits: HangLimits
    /// For each rank, what it was at when it changed last.
    private var seen: [Int: (changes: UInt64, phase: ProgressBoard.Phase, since: Double)] = [:]

    /// A process that is stopped (SIGSTOP) is left so for as long: somebody may look at it.
    package static let stoppedSeconds = 10.0

    package init(limits: HangLimits = HangLimits()) { self.limits = limits }

    /// Takes a look at a rank.
    /// - Parameter now: seconds of a clock that goes only forward, and stands still where the supervisor does.
    /// - Returns: seconds since its last change.
    package mutating func look(_ rank: Int, _ entry: ProgressBoard.Entry, now: Double) -> Double {
        guard let before = seen[rank] else {
            seen[rank] = (entry.changes, entry.phase, now)
            return 0
        }
        guard before.changes != entry.changes || before.phase != entry.phase else {
            return now - before.since
        }
        limits.saw(before.phase, seconds: now - before.since)
        seen[rank] = (entry.changes, entry.phase, now)
        return 0
    }

    /// A hang, and the rank that causes it.
    package struct Finding: Hashable, Sendable {
        package var culprit: RankSight
        package var waiting: [Int]
        /// One sentence for a person.
        package var text: String
    }

    /// - Parameter part: of the limits; less than 1 for a rank that is late, but not too late.
    /// - Returns: `nil` while the run goes on, or may.
    package func finding(_ ranks: [RankSight], part: Double = 1) -> Finding? {
        let begun = ranks.filter { $0.entry != nil && $0.entry?.phase != .ended && !$0.hasDied }
        guard !begun.isEmpty else { return nil }
        if let stopped = begun.first(where: { $0.isStopped && $0.stillSeconds >= part * Self.stoppedSeconds })
        {
            return finding(stopped, among: begun)
        }
        // One rank that goes on is enough: the others may wait for it.
        guard begun.allSatisfy({ $0.stillSeconds >= part * limits.limit($0.entry?.phase ?? .starting) })
        else {
            return nil
        }
        // Those that wait for ranks wait for one that does not; of several the one that is behind.
        let busy = begun.filter { $0.entry?.phase != .waitingForRanks }
        let candidates = busy.isEmpty ? begun : busy
        guard
            let culprit = candidates.min(by: {
                ($0.entry?.stepsDone ?? 0, -$0.stillSeconds, $0.rank)
                    < ($1.entry?.stepsDone ?? 0, -$1.stillSeconds, $1.rank)
            })
        else { return nil }
        return finding(culprit, among: begun)
    }

    private func finding(_ culprit: RankSight, among ranks: [RankSight]) -> Finding {
        let waiting = ranks.filter { $0.rank != culprit.rank && $0.entry?.phase == .waitingForRanks }.map(
            \.rank)
        return Finding(
            culprit: culprit, waiting: waiting, text: Self.sentence(culprit, waiting: waiting))
    }

    static func sentence(_ culprit: RankSight, waiting: [Int]) -> String {
        let entry = culprit.entry
        var text = "rank \(culprit.rank)"
        if culprit.isStopped {
            text += " has been stopped (SIGSTOP)"
        } else {
            text += " stands still"
        }
        text += " for \(Int(culprit.stillSeconds)) s"
        if let entry {
            text += entry.phase == .starting ? " before its first step" : " at step \(entry.stepsDone + 1)"
            if !culprit.isStopped || entry.phase != .starting { text += ", \(entry.phase.text)" }
            if culprit.processState == "D" { text += ", in a call of the kernel that cannot be interrupted" }
            if entry.samples > 0 {
                text +=
                    ", with samples \(entry.firstSample) to \(entry.firstSample + entry.samples - 1) of the batch"
            }
        }
        if !waiting.isEmpty {
            text += "; \(counted(waiting.count, "rank")) \(waiting.count == 1 ? "waits" : "wait") for it"
        }
        return text
    }
}
