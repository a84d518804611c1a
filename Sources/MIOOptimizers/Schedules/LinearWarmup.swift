import MIOConfig

/// The first steps of a schedule, in which the learning rate rises to the schedule's first value on a line:
///
///     step < steps    start + (target − start)·step ÷ steps
///     step ≥ steps    the schedule, as if training began at `steps`
///
/// Keras has this in `CosineDecay` alone, under its own argument names. mio takes `warmup_steps` and
/// `warmup_start` in `Constant` and `ExponentialDecay` as well.
///
/// - `warmup_steps`: steps of the warm-up.
/// - `warmup_start`: the learning rate of step 0.
public struct LinearWarmup: Hashable, Sendable {
    /// How many steps it takes; 0 for no warm-up.
    public let steps: Int
    /// The learning rate of step 0.
    public let start: Double

    /// - Precondition: neither is negative.
    public init(steps: Int = 0, start: Double = 0) {
        precondition(steps >= 0 && start >= 0, "a warm-up of \(steps) steps from \(start)")
        self.steps = steps
        self.start = start
    }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        steps = try reader.integer("warmup_steps", default: 0, atLeast: 0)
        start = try reader.finiteReal("warmup_start", default: 0, atLeast: 0)
    }

    /// The learning rate at a step on the way to `target`; `nil` once the warm-up is over.
    func value(at step: Int, target: Double) -> Double? {
        step < steps ? start + (target - start) * Double(step) / Double(steps) : nil
    }

    /// Adds the arguments to a schedule's mapping; none if there is no warm-up.
    func write(to entries: inout ConfigDictionary) {
        guard steps > 0 else { return }
        entries["warmup_steps"] = .integer(steps)
        entries["warmup_start"] = .real(start)
    }
}
