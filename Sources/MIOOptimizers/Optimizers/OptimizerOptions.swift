import MIOConfig

/// What all optimizers have in common, under Keras' names.
///
/// - `clipvalue`: each element of a gradient is clipped to [−v, v]; 0 clips nothing.
/// - `clipnorm`: each weight's gradient is scaled so that its norm is at most this; 0 clips nothing.
/// - `global_clipnorm`: all gradients are scaled so that the norm of all of them together is at most this; 0 clips nothing.
public struct OptimizerOptions: Sendable {
    /// The factor of each step: a number, or a schedule.
    public let learningRate: any Schedule
    /// Decoupled weight decay (`weight_decay`): before each update, every weight loses this times the
    /// learning rate of itself. `nil` for none.
    public let weightDecay: Double?
    /// How gradients are cut.
    public let clipping: GradientClipping

    /// Without decay and clipping unless they are given.
    public init(
        learningRate: any Schedule, weightDecay: Double? = nil, clipping: GradientClipping = .none
    ) {
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
    }

    /// A job file's mapping of an optimizer: its class, these options, its own arguments.
    func config(className: String, _ arguments: ConfigDictionary) -> ConfigValue {
        var entries: ConfigDictionary = ["class": .string(className), "learning_rate": learningRate.config]
        for (key, value) in arguments.entries { entries[key] = value }
        if let weightDecay { entries["weight_decay"] = .real(weightDecay) }
        if let (key, value) = clipping.argument { entries[key] = .real(value) }
        return .dictionary(entries)
    }
}

extension ConfigReader {
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
