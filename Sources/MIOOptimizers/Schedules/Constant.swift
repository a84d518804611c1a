import MIOConfig

/// The same learning rate at every step, after a linear warm-up if asked for. In a job file a bare number,
/// or `{class: Constant, learning_rate: 0.001, warmup_steps: 500}`.
///
/// Keras has no such class, only the number.
public struct Constant: Schedule, Hashable {
    public static let className = "Constant"

    /// At every step.
    public let learningRate: Double
    /// What comes first.
    public let warmup: LinearWarmup

    /// - Precondition: `learningRate` is finite and not negative.
    public init(_ learningRate: Double, warmup: LinearWarmup = LinearWarmup()) {
        precondition(learningRate >= 0 && learningRate.isFinite, "a learning rate of \(learningRate)")
        self.learningRate = learningRate
        self.warmup = warmup
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        // Asks for the plain key first, so that its absence gets the message of a missing key.
        _ = try reader.required("learning_rate")
        learningRate = try reader.finiteReal("learning_rate", default: 0, atLeast: 0)
        warmup = try LinearWarmup(reading: &reader)
    }

    public var config: ConfigValue {
        guard warmup.steps > 0 else { return .real(learningRate) }
        var entries: ConfigDictionary = [
            "class": .string(Self.className), "learning_rate": .real(learningRate),
        ]
        warmup.write(to: &entries)
        return .dictionary(entries)
    }

    public var ofKeras: any Schedule { Constant(learningRate) }

    public func value(at step: Int) -> Double {
        warmup.value(at: step, target: learningRate) ?? learningRate
    }
}
