import MIOBase
import MIOConfig

/// Ends the training when a number has not become better for `patience` epochs.
///
///     epoch < start_from_epoch            nothing is looked at
///     better than the best so far         it is the best; the count begins anew (with a baseline: if that is beaten too)
///     otherwise                           the count rises; at `patience` the training ends
///
/// With `restore_best_weights` the finished model has the weights of the best epoch, however the training ended. Checkpoints
/// hold those weights as well, so a run that continues has them.
///
/// Source: https://keras.io/api/callbacks/early_stopping/
public struct EarlyStopping: Callback, Hashable {
    public static let className = "EarlyStopping"

    /// What is watched.
    public let watched: Monitor
    /// Epochs without a better number after which the training ends.
    public let patience: Int
    /// What has to be beaten besides the best number so far; `nil` for nothing.
    public let baseline: Double?
    /// Whether the finished model has the weights of the best epoch.
    public let restoreBestWeights: Bool
    /// The first epoch that counts, from 0.
    public let startFromEpoch: Int

    /// - Precondition: `patience` and `startFromEpoch` are not negative; `minDelta` is finite.
    public init(
        monitor: String = "val_loss", minDelta: Double = 0, patience: Int = 0, mode: Monitor.Mode = .auto,
        baseline: Double? = nil, restoreBestWeights: Bool = false, startFromEpoch: Int = 0
    ) {
        precondition(patience >= 0 && startFromEpoch >= 0, "a negative number of epochs")
        watched = Monitor(monitor, mode: mode, minDelta: minDelta)
        self.patience = patience
        self.baseline = baseline
        self.restoreBestWeights = restoreBestWeights
        self.startFromEpoch = startFromEpoch
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        watched = try Monitor(reading: &reader)
        patience = try reader.integer("patience", default: 0, atLeast: 0)
        baseline = try reader.optionalReal("baseline")
        restoreBestWeights = try reader.boolean("restore_best_weights", default: false)
        startFromEpoch = try reader.integer("start_from_epoch", default: 0, atLeast: 0)
    }

    public var arguments: ConfigDictionary {
        var entries = ConfigDictionary()
        watched.write(to: &entries)
        entries["patience"] = .integer(patience)
        if let baseline { entries["baseline"] = .real(baseline) }
        entries["restore_best_weights"] = .boolean(restoreBestWeights)
        entries["start_from_epoch"] = .integer(startFromEpoch)
        return entries
    }

    public var monitor: Monitor? { watched }
    public var restoresBestWeights: Bool { restoreBestWeights }

    public func epochEnds(_ logs: EpochLogs, state: inout CallbackState) -> [CallbackAction] {
        guard let value = logs[watched.name], logs.epoch >= startFromEpoch else { return [] }
        var actions: [CallbackAction] = []
        // Before any number is better, the first epoch's weights are the best there are.
        if restoreBestWeights, state["best_epoch"] == nil {
            state[count: "best_epoch"] = logs.epoch
            actions = [.keepBestWeights]
        }
        state[count: "wait"] += 1
        if watched.isBetter(value, than: state["best"], in: logs) {
            state["best"] = value
            state[count: "best_epoch"] = logs.epoch
            if restoreBestWeights { actions = [.keepBestWeights] }
            if baseline == nil || watched.isBetter(value, than: baseline, in: logs) {
                state[count: "wait"] = 0
            }
            return actions
        }
        if state[count: "wait"] >= patience, logs.epoch > 0 {
            let best = state["best"].map {
                ", best is \(shortText($0)) of epoch \(state[count: "best_epoch"] + 1)"
            }
            actions.append(
                .stop(
                    reason: "\(watched.name) has not improved for \(state[count: "wait"]) "
                        + (state[count: "wait"] == 1 ? "epoch" : "epochs") + (best ?? "")
                        + (restoreBestWeights
                            ? "; the model has the weights of epoch \(state[count: "best_epoch"] + 1)" : "")))
        }
        return actions
    }
}
