import MIOBase
import MIOConfig
import MIOOptimizers

/// Sets the learning rate at the beginning of each epoch, in one of the two forms that Keras' users write:
///
///     {class: LearningRateScheduler, schedule: {class: PiecewiseConstantDecay, …}}    schedule(epoch), steps being epochs
///     {class: LearningRateScheduler, factor: 0.9, start_epoch: 10}                    learning rate · factor from epoch 10 on
///
/// Epochs count from 0. The optimizer's learning rate has to be a number, not a schedule.
///
/// Source: https://keras.io/api/callbacks/learning_rate_scheduler/, where both are functions of Python.
public struct LearningRateScheduler: Callback {
    public static let className = "LearningRateScheduler"

    /// How the learning rate comes about.
    public let rule: Rule

    /// How the learning rate of an epoch comes about.
    public enum Rule: Sendable {
        /// A schedule whose steps are epochs.
        case schedule(any Schedule)
        /// The learning rate before, times a factor, from an epoch on.
        case factor(Double, startEpoch: Int)
    }

    /// A schedule whose steps are epochs.
    public init(schedule: any Schedule) { rule = .schedule(schedule) }

    /// The learning rate before, times a factor at the beginning of each epoch from `startEpoch` (from 0) on.
    /// - Precondition: `factor` is finite and not negative, `startEpoch` is not negative.
    public init(factor: Double, startEpoch: Int = 1) {
        precondition(factor >= 0 && factor.isFinite && startEpoch >= 0, "\(factor) from \(startEpoch)")
        rule = .factor(factor, startEpoch: startEpoch)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        let schedule = try reader.optionalValue("schedule", expected: "a schedule whose steps are epochs")
        let factor = try reader.optionalReal("factor")
        if let factor, !factor.isFinite || factor < 0 {
            throw reader.error("factor", "expected a finite number of at least 0, found \(factor)")
        }
        let startEpoch = try reader.optionalInteger("start_epoch", atLeast: 0)
        switch (schedule, factor) {
        case (let schedule?, nil):
            guard startEpoch == nil else {
                throw reader.error("start_epoch", "belongs to factor, and there is a schedule; remove it")
            }
            if case .string(let name) = schedule {
                throw reader.error(
                    "schedule",
                    "expected a mapping, found \(quoted: name): a function of Python cannot be read; write {class: "
                        + "ExponentialDecay, …} with epochs as steps, or factor and start_epoch instead of schedule"
                )
            }
            rule = .schedule(
                try ScheduleRegistry.read(schedule, at: reader.path.appending("schedule")))
        case (nil, let factor?): rule = .factor(factor, startEpoch: startEpoch ?? 1)
        case (nil, nil):
            throw reader.error(
                "schedule", "missing; give a schedule whose steps are epochs, or factor and start_epoch")
        default:
            throw reader.error("factor", "there is a schedule as well; keep one of the two")
        }
    }

    public var arguments: ConfigDictionary {
        switch rule {
        case .schedule(let schedule): ["schedule": schedule.config]
        case .factor(let factor, let startEpoch):
            ["factor": .real(factor), "start_epoch": .integer(startEpoch)]
        }
    }

    public var setsLearningRate: Bool { true }

    public func epochBegins(_ epoch: Int, learningRate: Double, state: inout CallbackState)
        -> [CallbackAction]
    {
        let next =
            switch rule {
            case .schedule(let schedule): schedule.value(at: epoch)
            case .factor(let factor, let startEpoch):
                epoch >= startEpoch ? learningRate * factor : learningRate
            }
        return next == learningRate
            ? [] : [.setLearningRate(next, reason: "epoch \(epoch + 1) begins")]
    }
}
