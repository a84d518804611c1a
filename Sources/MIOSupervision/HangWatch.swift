import MIORunFolder

/// Finds that a run hangs, and the rank that the others wait for.
package struct HangWatch: Sendable {
    package private(set) var limits: HangLimits
    /// Of buckets and files, once the run's folder tells them.
    package var names = RunNames()
    /// For each rank, what it was at when it changed last.
    private var seen: [Int: (change: Change, since: Double)] = [:]

    /// What tells that a rank goes on.
    private struct Change: Hashable {
        let changes: UInt64
        let phase: ProgressBoard.Phase
        let buckets: Int
        let isWaitingInside: Bool

        init(_ entry: ProgressBoard.Entry) {
            changes = entry.changes
            phase = entry.phase
            buckets = entry.buckets
            isWaitingInside = entry.isWaitingInside
        }
    }

    /// A process that is stopped (SIGSTOP) is left so for as long: somebody may look at it.
    package static let stoppedSeconds = 10.0

    package init(limits: HangLimits = HangLimits()) { self.limits = limits }

    /// Takes a look at a rank.
    /// - Parameter now: seconds of a clock that goes only forward, and stands still where the supervisor does.
    /// - Returns: seconds since its last change.
    package mutating func look(_ rank: Int, _ entry: ProgressBoard.Entry, now: Double) -> Double {
        let change = Change(entry)
        guard let before = seen[rank] else {
            seen[rank] = (change, now)
            return 0
        }
        guard before.change != change else { return now - before.since }
        limits.saw(before.change.phase, seconds: now - before.since)
        seen[rank] = (change, now)
        return 0
    }

    /// A hang, and the rank that causes it.
    package struct Finding: Hashable, Sendable {
        package var culprit: RankSight
        package var waiting: [Int]
        /// The file that the culprit waits for.
        package var shard: String?
        /// What the others wait for.
        package var bucket: String?
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
        // One that cannot be heard may be at anything: the others wait for it.
        let silent = begun.filter(\.isSilent)
        // Nothing is known of any: the network of this machine may be at fault.
        if silent.count == begun.count { return nil }
        if let culprit = silent.max(by: { $0.silentSeconds < $1.silentSeconds }) {
            return finding(culprit, among: begun)
        }
        // Those that wait for ranks wait for one that does not; of several the one that is behind.
        let busy = begun.filter { $0.entry?.isWaitingForRanks == false }
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
        let waiting = ranks.filter { $0.rank != culprit.rank && $0.entry?.isWaitingForRanks == true }.map(
            \.rank)
        let bucket = bucket(of: culprit, among: ranks)
        return Finding(
            culprit: culprit, waiting: waiting, shard: names.shard(of: culprit), bucket: bucket,
            text: HangText.sentence(
                culprit, waiting: waiting.count, shard: names.shard(of: culprit), bucket: bucket))
    }

    /// What the others wait for: the bucket that the culprit is to complete next, if they are in the same step.
    private func bucket(of culprit: RankSight, among ranks: [RankSight]) -> String? {
        guard let entry = culprit.entry,
            ranks.contains(where: {
                $0.rank != culprit.rank && $0.entry?.phase == .waitingForRanks
                    && $0.entry?.stepsDone == entry.stepsDone
            })
        else { return nil }
        return names.bucket(entry.buckets)
    }
}
