import MIOConfig
import RealModule

/// A learning rate that falls along half a cosine, after a linear warm-up if asked for.
///
/// With peak = `warmup_target`, and from = `warmup_steps`; or, without a `warmup_target`, peak =
/// `initial_learning_rate` and from = 0:
///
///     step < from    initial_learning_rate + (peak − initial_learning_rate)·step ÷ from
///     step ≥ from    peak·((1 − alpha)·½·(1 + cos(π·s ÷ decay_steps)) + alpha),
///                    s = min(step − from, decay_steps)
///
/// Source: https://keras.io/api/optimizers/learning_rate_schedules/cosine_decay/; Loshchilov and Hutter,
/// https://arxiv.org/abs/1608.03983. Where Keras silently ignores `warmup_steps` without a `warmup_target`,
/// mio refuses it.
public struct CosineDecay: Schedule, Hashable {
    public static let className = "CosineDecay"

    /// Where the decay begins.
    public let initialLearningRate: Double
    /// The steps of the decay.
    public let decaySteps: Double
    /// The last learning rate as a fraction of the peak.
    public let alpha: Double
    /// Where the warm-up ends; `nil` for none.
    public let warmupTarget: Double?
    /// The steps of the warm-up.
    public let warmupSteps: Double

    /// - Precondition: `decaySteps` is at least 1, no other number is negative.
    public init(
        initialLearningRate: Double, decaySteps: Double, alpha: Double = 0, warmupTarget: Double? = nil,
        warmupSteps: Double = 0
    ) {
        precondition(
            decaySteps >= 1 && warmupSteps >= 0, "decay in \(decaySteps), warm-up in \(warmupSteps) steps")
        precondition(
            initialLearningRate >= 0 && alpha >= 0 && warmupTarget ?? 0 >= 0, "a negative learning rate")
        self.initialLearningRate = initialLearningRate
        self.decaySteps = decaySteps
        self.alpha = alpha
        self.warmupTarget = warmupTarget
        self.warmupSteps = warmupSteps
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        _ = try reader.required("initial_learning_rate")
        initialLearningRate = try reader.finiteReal("initial_learning_rate", default: 0, atLeast: 0)
        _ = try reader.required("decay_steps")
        decaySteps = try reader.finiteReal("decay_steps", default: 1, atLeast: 1)
        alpha = try reader.finiteReal("alpha", default: 0, atLeast: 0)
        warmupTarget = try reader.optionalFiniteReal("warmup_target", atLeast: 0)
        warmupSteps = try reader.finiteReal("warmup_steps", default: 0, atLeast: 0)
        if warmupTarget == nil, warmupSteps > 0 {
            throw reader.error(
                "warmup_target",
                "missing: with warmup_steps the learning rate rises from initial_learning_rate to "
                    + "warmup_target, and no target is given")
        }
    }

    public var config: ConfigValue {
        var entries: ConfigDictionary = [
            "class": .string(Self.className), "initial_learning_rate": .real(initialLearningRate),
            "decay_steps": StepCount.config(decaySteps), "alpha": .real(alpha),
        ]
        if let warmupTarget {
            entries["warmup_target"] = .real(warmupTarget)
            entries["warmup_steps"] = StepCount.config(warmupSteps)
        }
        return .dictionary(entries)
    }

    public func value(at step: Int) -> Double {
        let peak = warmupTarget ?? initialLearningRate
        let from = warmupTarget == nil ? 0 : warmupSteps
        let step = Double(step)
        if step < from {
            return initialLearningRate + (peak - initialLearningRate) * step / from
        }
        let fraction = min(step - from, decaySteps) / decaySteps
        return peak * ((1 - alpha) * 0.5 * (1 + Double.cos(.pi * fraction)) + alpha)
    }
}
