import MIOConfig
import RealModule

/// A learning rate that falls to another one along a power of the steps that are left.
///
///     (initial_learning_rate − end_learning_rate)·(1 − s ÷ d)^power + end_learning_rate
///
/// with s = min(step, decay_steps) and d = decay_steps; with `cycle` s = step, and d the first multiple of decay_steps, but 0,
/// that is not less: at every multiple the rate rises again.
/// Source: https://keras.io/api/optimizers/learning_rate_schedules/polynomial_decay/
public struct PolynomialDecay: Schedule, Hashable {
    public static let className = "PolynomialDecay"

    /// Where the decay begins.
    public let initialLearningRate: Double
    /// The steps of the decay.
    public let decaySteps: Double
    /// Where the decay ends.
    public let endLearningRate: Double
    /// 1 for a straight line; not negative.
    public let power: Double
    /// Whether it begins again, in twice the steps, then in three times as many …
    public let cycle: Bool

    /// - Precondition: `decaySteps` is at least 1, no other number is negative.
    public init(
        initialLearningRate: Double, decaySteps: Double, endLearningRate: Double = 0.0001, power: Double = 1,
        cycle: Bool = false
    ) {
        precondition(decaySteps >= 1 && power >= 0, "decay in \(decaySteps) steps, power \(power)")
        precondition(
            initialLearningRate >= 0 && endLearningRate >= 0,
            "learning rates \(initialLearningRate), \(endLearningRate)")
        self.initialLearningRate = initialLearningRate
        self.decaySteps = decaySteps
        self.endLearningRate = endLearningRate
        self.power = power
        self.cycle = cycle
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        _ = try reader.required("initial_learning_rate")
        initialLearningRate = try reader.finiteReal("initial_learning_rate", default: 0, atLeast: 0)
        _ = try reader.required("decay_steps")
        decaySteps = try reader.finiteReal("decay_steps", default: 1, atLeast: 1)
        endLearningRate = try reader.finiteReal("end_learning_rate", default: 0.0001, atLeast: 0)
        power = try reader.finiteReal("power", default: 1, atLeast: 0)
        cycle = try reader.boolean("cycle", default: false)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "initial_learning_rate": .real(initialLearningRate),
            "decay_steps": StepCount.config(decaySteps), "end_learning_rate": .real(endLearningRate),
            "power": .real(power), "cycle": .boolean(cycle),
        ])
    }

    public func value(at step: Int) -> Double {
        let left: Double
        if cycle {
            let periods = max(1, (Double(step) / decaySteps).rounded(.up))
            left = 1 - Double(step) / (decaySteps * periods)
        } else {
            left = 1 - min(Double(step), decaySteps) / decaySteps
        }
        // Nothing to the power of nothing is 1, as in Keras.
        let share = power == 0 ? 1 : Double.pow(left, power)
        return (initialLearningRate - endLearningRate) * share + endLearningRate
    }
}
