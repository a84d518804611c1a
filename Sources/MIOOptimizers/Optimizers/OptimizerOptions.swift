import MIOConfig

/// What all optimizers have in common, under Keras' names.
///
/// - `clipvalue`: each element of a gradient is clipped to [−v, v]; 0 clips nothing.
/// - `clipnorm`: each weight's gradient is scaled so that its norm is at most this; 0 clips nothing.
/// - `use_ema`, `ema_momentum`, `ema_overwrite_frequency`: see `MovingAverage`.
/// - `global_clipnorm`: all gradients are scaled so that the norm of all of them together is at most this; 0 clips nothing.
public struct OptimizerOptions: Sendable {
    /// The factor of each step: a number, or a schedule.
    public let learningRate: any Schedule
    /// Decoupled weight decay (`weight_decay`): before each update, every weight loses this times the
    /// learning rate of itself. `nil` for none.
    public let weightDecay: Double?
    /// How gradients are cut.
    public let clipping: GradientClipping
    /// The running means of the weights; `nil` for none.
    public let average: MovingAverage?

    /// Without decay and clipping unless they are given.
    public init(
        learningRate: any Schedule, weightDecay: Double? = nil, clipping: GradientClipping = .none,
        average: MovingAverage? = nil
    ) {
        self.average = average
        self.learningRate = learningRate
        self.weightDecay = weightDecay
        self.clipping = clipping
    }

    init(
        reading reader: inout ConfigReader, defaultLearningRate: Double, defaultWeightDecay: Double? = nil
    ) throws(ConfigError) {
        reader.describe("learning_rate", "a number or a schedule", default: .real(defaultLearningRate))
        if let value = reader.value("learning_rate") {
            learningRate = try ScheduleRegistry.read(value, at: reader.path.appending("learning_rate"))
        } else {
            learningRate = Constant(defaultLearningRate)
        }
        if defaultWeightDecay != nil {
            // As in Keras, whose AdamW decays or is an error.
            try reader.refuseNull("weight_decay", expected: "a number of at least 0")
        }
        weightDecay = try reader.optionalFiniteReal("weight_decay", atLeast: 0) ?? defaultWeightDecay
        clipping = try GradientClipping(reading: &reader)
        average = try MovingAverage.read(&reader)
    }

    /// A job file's mapping of an optimizer: its class, these options, its own arguments.
    func config(className: String, _ arguments: ConfigDictionary) -> ConfigValue {
        var entries: ConfigDictionary = ["class": .string(className), "learning_rate": learningRate.config]
        for (key, value) in arguments.entries { entries[key] = value }
        if let weightDecay { entries["weight_decay"] = .real(weightDecay) }
        if let (key, value) = clipping.argument { entries[key] = .real(value) }
        if let average {
            entries["use_ema"] = true
            entries["ema_momentum"] = .real(average.momentum)
            if let frequency = average.overwriteFrequency {
                entries["ema_overwrite_frequency"] = .integer(frequency)
            }
        }
        return .dictionary(entries)
    }
}

extension ConfigReader {
    /// How much of a running mean stays: from 0 up to, not including, 1.
    /// - Parameter most: if given, the numbers above 0 up to it instead.
    mutating func decay(_ key: String, default fallback: Double, upTo most: Double? = nil) throws(ConfigError)
        -> Double
    {
        let decay = try real(key, default: fallback)
        if let most {
            guard decay > 0, decay <= most else {
                throw error(key, "expected a number above 0 and at most \(most), found \(decay)")
            }
        } else if !(0..<1).contains(decay) {
            throw error(key, "expected a number from 0 up to, not including, 1; found \(decay)")
        }
        return decay
    }

    mutating func finiteReal(_ key: String, default fallback: Double, atLeast minimum: Double)
        throws(ConfigError) -> Double
    {
        try refuseNull(key, expected: "a finite number of at least \(minimum)")
        return try optionalFiniteReal(key, atLeast: minimum) ?? fallback
    }

    mutating func optionalFiniteReal(_ key: String, atLeast minimum: Double) throws(ConfigError) -> Double? {
        guard let number = try optionalReal(key) else { return nil }
        guard number.isFinite, number >= minimum else {
            throw error(key, "expected a finite number of at least \(minimum), found \(number)")
        }
        return number
    }
}
