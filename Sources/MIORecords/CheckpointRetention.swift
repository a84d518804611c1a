/// Which checkpoints of a run stay: those that one of these rules keeps. The newest valid one always does.
package struct CheckpointRetention: Hashable, Sendable, ExpressibleByIntegerLiteral {
    /// How many of the newest that are valid; at least 1.
    package let last: Int
    /// How many of the best that are valid, by the number of that name.
    package let best: Int
    package let monitor: String
    /// Whether less is better.
    package let prefersLess: Bool
    /// Those of each so many steps stay for ever; 0 for none.
    package let everySteps: Int

    /// - Precondition: `last` is at least 1; the other numbers are not negative.
    package init(
        last: Int, best: Int = 0, monitor: String = "", prefersLess: Bool = true, everySteps: Int = 0
    ) {
        precondition(last >= 1, "a store keeps at least one checkpoint, not \(last)")
        precondition(best >= 0 && everySteps >= 0, "a negative number of checkpoints")
        self.last = last
        self.best = best
        self.monitor = monitor
        self.prefersLess = prefersLess
        self.everySteps = everySteps
    }

    package init(integerLiteral last: Int) { self.init(last: last) }

    /// The number that tells the best; NaN where there is none.
    func value(_ logs: [String: Double]) -> Double { logs[monitor] ?? .nan }

    func isBetter(_ value: Double, than other: Double) -> Bool {
        prefersLess ? value < other : value > other
    }

    func keepsForEver(_ step: Int) -> Bool { everySteps > 0 && step > 0 && step % everySteps == 0 }
}
