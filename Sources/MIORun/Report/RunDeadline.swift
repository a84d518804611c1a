import Foundation
import MIOJob
import MIORunFolder

/// When a run must have stopped, and how long before that it begins to.
package struct RunDeadline: Hashable, Sendable {
    /// Seconds since 1970.
    package let end: Double
    /// How long the run has from its start.
    private let total: Double
    /// Seconds that the largest checkpoint so far took, from its snapshot to the disk.
    package var checkpointSeconds: Double?
    package var stepSeconds = 0.0

    /// Of a checkpoint that nobody has measured yet, and what else an end takes: processes, files, the batch system. In
    /// seconds, and of a short limit in parts of it.
    private static let unmeasuredCheckpoint = (seconds: 20.0, part: 0.1)
    private static let reserve = (seconds: 5.0, part: 0.05)

    package init(end: Double, began: Double) {
        self.end = end
        total = max(0, end - began)
    }

    /// - Returns: `nil` for a run without a limit.
    package init?(_ limit: TimeLimit, supervised: Supervised?, began: Double = Date().timeIntervalSince1970) {
        let end: Double
        switch limit {
        case .none: return nil
        // The supervisor's clock began before its first attempt.
        case _ where supervised?.deadline != nil: end = supervised?.deadline ?? 0
        case .seconds(let seconds): end = began + Double(seconds)
        case .automatic:
            guard let batch = BatchDeadline.of() else { return nil }
            end = batch
        }
        self.init(end: end, began: began)
    }

    /// Two checkpoints, the one under way and the last; two steps; and a reserve.
    package var secondsBefore: Double {
        func least(_ of: (seconds: Double, part: Double)) -> Double { min(of.seconds, of.part * total) }
        return 2 * (checkpointSeconds ?? least(Self.unmeasuredCheckpoint)) + 2 * stepSeconds
            + least(Self.reserve)
    }

    package func isNear(_ now: Double = Date().timeIntervalSince1970) -> Bool { now >= end - secondsBefore }
}
