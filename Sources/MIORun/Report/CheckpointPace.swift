import MIOBase
import MIOJob
import MIORunFolder

/// How long a run that writes checkpoints by time goes on before the next: `checkpoints.every`.
///
///     auto    √(2 · cost of a checkpoint · mean time between failures), after Young and Daly
///
/// The cost is what the step loses and what the write takes, together: the mean of the last ones, each older one counting half
/// of the next. Rank 0 decides by its clock, and the ranks hear of it with the sums of a step, as of a request.
package struct CheckpointPace: Hashable, Sendable {
    package let interval: CheckpointInterval
    private let failures: FailureHistory
    /// Seconds that a checkpoint costs; `nil` until one was written.
    package private(set) var cost: Double?

    /// What a checkpoint is taken to cost that nobody has measured yet.
    package static let unmeasuredCost = 1.0
    /// Not more often than each second, or than half of the time can go to checkpoints; and each hour at least.
    private static let least = 1.0
    private static let most = 3600.0

    /// - Returns: `nil` for a run that writes none by time.
    package init?(_ interval: CheckpointInterval?, _ failures: FailureHistory) {
        guard let interval else { return nil }
        self.interval = interval
        self.failures = failures
    }

    package mutating func add(cost seconds: Double) { cost = cost.map { ($0 + seconds) / 2 } ?? seconds }

    /// - Parameter uptime: seconds since this attempt began.
    package func seconds(uptime: Double) -> Double {
        switch interval {
        case .seconds(let seconds): return Double(seconds)
        case .automatic:
            let cost = cost ?? Self.unmeasuredCost
            let best = (2 * cost * failures.meanSecondsBetween(uptime: uptime)).squareRoot()
            return min(max(best, Self.least, cost), Self.most)
        }
    }
}

/// How often the attempts of a run have failed, those that another attempt may not repeat left out.
package struct FailureHistory: Hashable, Sendable {
    /// Of the attempts before this one.
    package let count: Int
    package let seconds: Double

    /// Before any failure: four hours, or as long as the run has gone without one.
    package static let assumedSecondsBetween = 4.0 * 3600

    package init(count: Int = 0, seconds: Double = 0) {
        self.count = count
        self.seconds = seconds
    }

    /// - Parameter attempt: the one that begins, which does not count.
    package init(_ ledger: RunLedger, before attempt: Int) {
        let earlier = ledger.attempts.filter { $0.number < attempt }
        count = earlier.count(where: \.hasFailed)
        seconds = earlier.reduce(0) { sum, attempt in
            sum + (attempt.ended.map { max(0, $0 - attempt.began) } ?? 0)
        }
    }

    /// - Parameter uptime: seconds since this attempt began.
    package func meanSecondsBetween(uptime: Double) -> Double {
        let together = seconds + uptime
        return count == 0 ? max(Self.assumedSecondsBetween, together) : together / Double(count)
    }
}

extension RunLedger.Attempt {
    /// Whether it lost steps: a rank or its launcher died or hung, or nobody was left to write its end. One that was asked to
    /// stop has written a checkpoint.
    fileprivate var hasFailed: Bool {
        guard let end else { return true }
        return end.cause.mayBeTriedAgain && end.exitCode != Int(ExitCode.stopped.rawValue)
    }
}

extension RunLedger {
    /// Writes the last sign of life of an attempt that nobody saw the end of.
    /// - Parameter status: as that attempt left it.
    mutating func noteEnd(_ status: RunStatus?) {
        guard let status, let place = attempts.lastIndex(where: { $0.number == status.attempt }),
            attempts[place].ended == nil, status.heartbeat >= attempts[place].began
        else { return }
        attempts[place].ended = status.heartbeat
    }
}
