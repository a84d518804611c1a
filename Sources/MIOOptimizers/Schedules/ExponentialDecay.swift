import MIOConfig
import RealModule

/// A learning rate that shrinks by a factor every so many steps. It can begin with a linear warm-up.
///
///     initial_learning_rate · decay_rate ^ (step ÷ decay_steps)
///
/// with the exponent rounded down if `staircase`. During a warm-up (not in Keras, see `LinearWarmup`) steps
/// do not count as decay.
/// Source: https://keras.io/api/optimizers/learning_rate_schedules/exponential_decay/
public struct ExponentialDecay: Schedule, Hashable {
    public static let className = "ExponentialDecay"

    /// Where the decay begins.
    public let initialLearningRate: Double
    /// The steps of the decay.
    public let decaySteps: Double
    /// What the rate is multiplied by each `decaySteps` steps.
    public let decayRate: Double
    /// Whether it falls once each `decaySteps` steps instead of a little at each.
    public let staircase: Bool
    /// What comes first.
    public let warmup: LinearWarmup

    /// - Precondition: `decaySteps` is at least 1; the learning rate and `decayRate` are not negative.
    public init(
        initialLearningRate: Double, decaySteps: Double, decayRate: Double, staircase: Bool = false,
        warmup: LinearWarmup = LinearWarmup()
    ) {
        precondition(decaySteps >= 1, "decay in \(decaySteps) steps")
        precondition(
            initialLearningRate >= 0 && decayRate >= 0,
            "a learning rate of \(initialLearningRate), \(decayRate)")
        self.initialLearningRate = initialLearningRate
        self.decaySteps = decaySteps
        self.decayRate = decayRate
        self.staircase = staircase
        self.warmup = warmup
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        _ = try reader.required("initial_learning_rate")
        initialLearningRate = try reader.finiteReal("initial_learning_rate", default: 0, atLeast: 0)
        _ = try reader.required("decay_steps")
        decaySteps = try reader.finiteReal("decay_steps", default: 1, atLeast: 1)
        _ = try reader.required("decay_rate")
        decayRate = try reader.finiteReal("decay_rate", default: 0, atLeast: 0)
        staircase = try reader.boolean("staircase", default: false)
        warmup = try LinearWarmup(reading: &reader)
    }

    public var config: ConfigValue {
        var entries: ConfigDictionary = [
            "class": .string(Self.className), "initial_learning_rate": .real(initialLearningRate),
            "decay_steps": StepCount.config(decaySteps), "decay_rate": .real(decayRate),
            "staircase": .boolean(staircase),
        ]
        warmup.write(to: &entries)
        return .dictionary(entries)
    }

    public var ofKeras: any Schedule {
        ExponentialDecay(
            initialLearningRate: initialLearningRate, decaySteps: decaySteps, decayRate: decayRate,
            staircase: staircase)
    }

    public func value(at step: Int) -> Double {
        if let value = warmup.value(at: step, target: initialLearningRate) { return value }
        let exponent = Double(step - warmup.steps) / decaySteps
        return initialLearningRate * Double.pow(decayRate, staircase ? exponent.rounded(.down) : exponent)
    }
}
