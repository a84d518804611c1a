import MIOConfig
import RealModule

/// A learning rate that falls along half a cosine again and again, in periods that grow, from rates that shrink. In period i,
/// from 0, of `first_decay_steps·t_mulⁱ` steps, with f the part of the period that is over:
///
///     initial_learning_rate·((1 − alpha)·½·m_mulⁱ·(1 + cos(π·f)) + alpha)
///
/// Source: https://keras.io/api/optimizers/learning_rate_schedules/cosine_decay_restarts/; Loshchilov and Hutter,
/// https://arxiv.org/abs/1608.03983. Keras finds a period by a logarithm in 32 bits, and may come to one a step early or late.
public struct CosineDecayRestarts: Schedule, Hashable {
    public static let className = "CosineDecayRestarts"

    /// Where the first decay begins.
    public let initialLearningRate: Double
    /// The steps of the first period.
    public let firstDecaySteps: Double
    /// How much longer each period is than the one before; at least 1.
    public let periodFactor: Double
    /// What each period's first rate is of that of the one before; not negative.
    public let rateFactor: Double
    /// The last learning rate of a period as a fraction of the first of all.
    public let alpha: Double

    /// - Parameters:
    ///   - periodFactor: Keras' `t_mul`.
    ///   - rateFactor: Keras' `m_mul`.
    /// - Precondition: `firstDecaySteps` and `periodFactor` are at least 1, no other number is negative.
    public init(
        initialLearningRate: Double, firstDecaySteps: Double, periodFactor: Double = 2,
        rateFactor: Double = 1,
        alpha: Double = 0
    ) {
        precondition(
            firstDecaySteps >= 1 && periodFactor >= 1, "\(firstDecaySteps) steps, times \(periodFactor)")
        precondition(
            initialLearningRate >= 0 && rateFactor >= 0 && alpha >= 0, "a negative learning rate")
        self.initialLearningRate = initialLearningRate
        self.firstDecaySteps = firstDecaySteps
        self.periodFactor = periodFactor
        self.rateFactor = rateFactor
        self.alpha = alpha
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        _ = try reader.required("initial_learning_rate")
        initialLearningRate = try reader.finiteReal("initial_learning_rate", default: 0, atLeast: 0)
        _ = try reader.required("first_decay_steps")
        firstDecaySteps = try reader.finiteReal("first_decay_steps", default: 1, atLeast: 1)
        periodFactor = try reader.finiteReal("t_mul", default: 2, atLeast: 1)
        rateFactor = try reader.finiteReal("m_mul", default: 1, atLeast: 0)
        alpha = try reader.finiteReal("alpha", default: 0, atLeast: 0)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "initial_learning_rate": .real(initialLearningRate),
            "first_decay_steps": StepCount.config(firstDecaySteps), "t_mul": .real(periodFactor),
            "m_mul": .real(rateFactor), "alpha": .real(alpha),
        ])
    }

    public func value(at step: Int) -> Double {
        var (steps, period) = (Double(step), firstDecaySteps)
        var rate = 1.0
        if periodFactor == 1 {
            let periods = (steps / period).rounded(.down)
            steps -= periods * period
            rate = periods == 0 ? 1 : Double.pow(rateFactor, Int(periods))
        } else {
            while steps >= period {
                steps -= period
                period *= periodFactor
                rate *= rateFactor
            }
        }
        let decayed = 0.5 * rate * (1 + Double.cos(.pi * (steps / period)))
        return initialLearningRate * ((1 - alpha) * decayed + alpha)
    }
}
