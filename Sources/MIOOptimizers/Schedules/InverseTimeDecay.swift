import MIOConfig

/// A learning rate that shrinks as time goes on.
///
///     initial_learning_rate ÷ (1 + decay_rate·step ÷ decay_steps)
///
/// with step ÷ decay_steps rounded down if `staircase`.
/// Source: https://keras.io/api/optimizers/learning_rate_schedules/inverse_time_decay/
public struct InverseTimeDecay: Schedule, Hashable {
    public static let className = "InverseTimeDecay"

    /// Where the decay begins.
    public let initialLearningRate: Double
    /// After how many steps `decayRate` is added to what the rate is divided by.
    public let decaySteps: Double
    /// What is added each `decaySteps` steps; not negative.
    public let decayRate: Double
    /// Whether it is added once each `decaySteps` steps instead of a little at each.
    public let staircase: Bool

    /// - Precondition: `decaySteps` is at least 1; the learning rate and `decayRate` are not negative.
    public init(initialLearningRate: Double, decaySteps: Double, decayRate: Double, staircase: Bool = false) {
        precondition(decaySteps >= 1, "decay in \(decaySteps) steps")
        precondition(
            initialLearningRate >= 0 && decayRate >= 0,
            "a learning rate of \(initialLearningRate), \(decayRate)")
        self.initialLearningRate = initialLearningRate
        self.decaySteps = decaySteps
        self.decayRate = decayRate
        self.staircase = staircase
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        _ = try reader.required("initial_learning_rate")
        initialLearningRate = try reader.finiteReal("initial_learning_rate", default: 0, atLeast: 0)
        _ = try reader.required("decay_steps")
        decaySteps = try reader.finiteReal("decay_steps", default: 1, atLeast: 1)
        _ = try reader.required("decay_rate")
        decayRate = try reader.finiteReal("decay_rate", default: 0, atLeast: 0)
        staircase = try reader.boolean("staircase", default: false)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "initial_learning_rate": .real(initialLearningRate),
            "decay_steps": StepCount.config(decaySteps), "decay_rate": .real(decayRate),
            "staircase": .boolean(staircase),
        ])
    }

    public func value(at step: Int) -> Double {
        let periods = Double(step) / decaySteps
        return initialLearningRate / (1 + decayRate * (staircase ? periods.rounded(.down) : periods))
    }
}
