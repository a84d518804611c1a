import MIOConfig

/// Lowers the learning rate when a number has not become better for `patience` epochs:
///
///     learning rate ← max(learning rate · factor, min_lr)
///
/// For `cooldown` epochs after that nothing is counted. The optimizer's learning rate has to be a number, not a schedule.
///
/// Source: https://keras.io/api/callbacks/reduce_lr_on_plateau/
public struct ReduceLROnPlateau: Callback, Hashable {
    public static let className = "ReduceLROnPlateau"

    /// What is watched.
    public let watched: Monitor
    /// What the learning rate is multiplied by; less than 1.
    public let factor: Double
    /// Epochs without a better number after which it is lowered.
    public let patience: Int
    /// Epochs after a reduction in which nothing is counted.
    public let cooldown: Int
    /// The lowest learning rate.
    public let minLearningRate: Double

    /// - Precondition: `factor` is from 0 up to but not 1; no other number is negative.
    public init(
        monitor: String = "val_loss", factor: Double = 0.1, patience: Int = 10, mode: Monitor.Mode = .auto,
        minDelta: Double = 1e-4, cooldown: Int = 0, minLearningRate: Double = 0
    ) {
        precondition(factor >= 0 && factor < 1, "a factor of \(factor)")
        precondition(patience >= 0 && cooldown >= 0 && minLearningRate >= 0, "a negative number")
        watched = Monitor(monitor, mode: mode, minDelta: minDelta)
        self.factor = factor
        self.patience = patience
        self.cooldown = cooldown
        self.minLearningRate = minLearningRate
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        watched = try Monitor(reading: &reader, defaultMinDelta: 1e-4)
        factor = try reader.real("factor", default: 0.1, in: 0...1)
        guard factor < 1 else { throw reader.error("factor", "expected a number below 1, found \(factor)") }
        patience = try reader.integer("patience", default: 10, atLeast: 0)
        cooldown = try reader.integer("cooldown", default: 0, atLeast: 0)
        minLearningRate = try reader.real("min_lr", default: 0)
        guard minLearningRate.isFinite, minLearningRate >= 0 else {
            throw reader.error("min_lr", "expected a finite number of at least 0, found \(minLearningRate)")
        }
    }

    public var arguments: ConfigDictionary {
        var entries = ConfigDictionary()
        watched.write(to: &entries)
        entries["factor"] = .real(factor)
        entries["patience"] = .integer(patience)
        entries["cooldown"] = .integer(cooldown)
        entries["min_lr"] = .real(minLearningRate)
        return entries
    }

    public var monitor: Monitor? { watched }
    public var setsLearningRate: Bool { true }

    public func epochEnds(_ logs: EpochLogs, state: inout CallbackState) -> [CallbackAction] {
        guard let value = logs[watched.name], let learningRate = logs["learning_rate"] else { return [] }
        if state[count: "cooldown"] > 0 {
            state[count: "cooldown"] -= 1
            state[count: "wait"] = 0
        }
        if watched.isBetter(value, than: state["best"], in: logs) {
            state["best"] = value
            state[count: "wait"] = 0
            return []
        }
        guard state[count: "cooldown"] == 0 else { return [] }
        state[count: "wait"] += 1
        guard state[count: "wait"] >= patience, learningRate > minLearningRate else { return [] }
        let waited = state[count: "wait"]
        state[count: "cooldown"] = cooldown
        state[count: "wait"] = 0
        return [
            .setLearningRate(
                max(learningRate * factor, minLearningRate),
                reason: "\(watched.name) has not improved for \(waited) \(waited == 1 ? "epoch" : "epochs")")
        ]
    }
}
