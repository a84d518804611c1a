/// How long a process that was asked to stop goes on, before it ends by itself without a checkpoint.
///
/// Seconds after the request, or after the last sign of progress if that came later. A scheduler usually kills 30 seconds
/// after its SIGTERM: before that the process says what it waits for.
package struct StopPatience: Hashable, Sendable {
    /// What a process is at.
    package enum Phase: Hashable, Sendable {
        /// Before the end of the first step: nothing would be lost.
        case starting
        /// A step, or a batch of validation. It may take as long as those before it have taken, and more.
        case stepping
        /// Rank 0 writes a checkpoint or the model, or waits until that is done; the others wait for rank 0.
        case writing
    }

    package var phase: Phase
    /// `nil` for a process that is alone.
    package var rank: Int?
    /// How long steps take, the longest of the last ones.
    package var recentStepSeconds: Double

    package init(phase: Phase, rank: Int?, recentStepSeconds: Double) {
        self.phase = phase
        self.rank = rank
        self.recentStepSeconds = recentStepSeconds
    }

    /// Of all ranks. Computed: a signal handler may not initialize a static variable.
    private static var ofStart: Double { 1 }
    private static var ofStep: Double { 20 }
    private static var stepsOfStep: Double { 4 }
    private static var ofWriting: Double { 300 }
    /// A rank waits this much longer than the rank before it: one of them speaks, and its launcher ends the others.
    private static var ofTurn: Double { 3 }
    private static var turns: Int { 3 }

    /// For the message: without the rank's turn.
    package var limit: Double {
        switch phase {
        case .starting: Self.ofStart
        case .stepping: max(Self.ofStep, Self.stepsOfStep * recentStepSeconds)
        case .writing: Self.ofWriting
        }
    }

    package var seconds: Double { limit + Self.ofTurn * Double(min(rank ?? 0, Self.turns)) }
}

/// The longest of the last intervals between steps. A long one counts for a tenth less with every step after it: one
/// interruption, such as a suspended machine, is not remembered for ever.
package enum RecentSteps {
    package static func longest(before: Double, next: Double) -> Double { max(next, 0.9 * before) }
}
