import MIOBase
import MIOCallbacks
import MIOConfig
import MIOObjectives
import MIOOptimizers

/// What can be found wrong with callbacks without training: numbers that no epoch logs, two that contradict each other.
struct CallbackChecks {
    let callbacks: [any Callback]
    let logNames: [LogName]
    let hasValidation: Bool
    let optimizer: any Optimizer
    let training: TrainingOptions

    private var path: ConfigPath { ConfigPath("callbacks") }

    /// - Returns: what is suspicious, but no error.
    /// - Throws: `ConfigError` for the first thing that is wrong.
    func run() throws(ConfigError) -> [String] {
        for (index, callback) in callbacks.enumerated() {
            try check(callback, at: path.appending(index: index))
        }
        try checkLearningRate()
        try checkPairs()
        return []
    }

    private func check(_ callback: any Callback, at place: ConfigPath) throws(ConfigError) {
        let monitors = MonitorChecks(logNames: logNames, hasValidation: hasValidation)
        if let monitor = callback.monitor {
            try monitors.check(monitor, at: place.appending("monitor"))
        }
        if let checkpoint = callback as? ModelCheckpoint {
            let available = monitors.available
            for name in checkpoint.path.names where name != "epoch" && !available.contains(name) {
                throw ConfigError(path: place.appending("filepath"), message: monitors.absence(of: name))
            }
        }
        if callback is TerminateOnNaN, training.nonFinite != .halt {
            throw ConfigError(
                path: place,
                message:
                    "TerminateOnNaN ends the training where training.non_finite: \(training.nonFinite.rawValue) goes on; remove one of them"
            )
        }
    }

    private func checkLearningRate() throws(ConfigError) {
        guard let index = callbacks.firstIndex(where: { $0.setsLearningRate }),
            !(optimizer.options.learningRate is Constant)
        else { return }
        throw ConfigError(
            path: path.appending(index: index),
            message:
                "\(type(of: callbacks[index]).className) sets the learning rate, and optimizer.learning_rate is a schedule "
                + "(\(type(of: optimizer.options.learningRate).className)), which sets it at every step; give a number there"
        )
    }

    /// What only one of them can do.
    private func checkPairs() throws(ConfigError) {
        let restoring = callbacks.indices.filter { callbacks[$0].restoresBestWeights }
        if restoring.count > 1 {
            throw ConfigError(
                path: path.appending(index: restoring[1]).appending("restore_best_weights"),
                message:
                    "the finished model can have the weights of one best epoch only, and callbacks[\(restoring[0])] has "
                    + "restore_best_weights as well; keep one of the two")
        }
        var files: [String: Int] = [:]
        for (index, callback) in callbacks.enumerated() {
            let (file, key): (String, String)
            switch callback {
            case let logger as CSVLogger: (file, key) = (logger.filename, "filename")
            case let checkpoint as ModelCheckpoint: (file, key) = (checkpoint.path.text, "filepath")
            default: continue
            }
            if let other = files.updateValue(index, forKey: file) {
                throw ConfigError(
                    path: path.appending(index: index).appending(key),
                    message:
                        "callbacks[\(other)] writes to \(quoted: file) as well; give one of them another file"
                )
            }
        }
    }
}

extension [LogName] {
    /// Which way each number gets better, that of the validation too.
    package var directions: [String: MetricDirection] {
        var directions: [String: MetricDirection] = [:]
        for entry in self {
            directions[entry.name] = entry.direction
            directions["val_" + entry.name] = entry.direction
        }
        return directions
    }
}
