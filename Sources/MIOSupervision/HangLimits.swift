import MIORunFolder

/// How long the ranks of a run may all stand still, by what they are at. Learned from the run.
package struct HangLimits: Hashable, Sendable {
    /// The longest time that a rank was seen without a change, by phase.
    private var longest: [ProgressBoard.Phase: Double] = [:]
    /// Instead of what is learned; `nil` to learn.
    package var fixedSeconds: Double?

    /// So many times the longest that was seen.
    private static let times = 10.0

    package init(fixedSeconds: Double? = nil) { self.fixedSeconds = fixedSeconds }

    /// Seconds that are allowed before anything was learned, and the least that ever are: a start measures kernels and reads
    /// files; a checkpoint waits for the one before it; a batch of validation may be larger than one of training.
    private static func least(_ phase: ProgressBoard.Phase) -> (first: Double, later: Double) {
        switch phase {
        case .starting: (1800, 1800)
        case .computing, .waitingForRanks: (600, 30)
        case .waitingForData: (600, 60)
        case .validating: (900, 60)
        case .writing, .finishing: (900, 300)
        case .ended: (60, 60)
        }
    }

    /// A rank went on after so many seconds in a phase.
    package mutating func saw(_ phase: ProgressBoard.Phase, seconds: Double) {
        longest[phase] = max(seconds, longest[phase] ?? 0)
    }

    package func limit(_ phase: ProgressBoard.Phase) -> Double {
        if let fixedSeconds { return fixedSeconds }
        let least = Self.least(phase)
        guard let seen = longest[phase] else { return least.first }
        return max(least.later, Self.times * seen)
    }
}
