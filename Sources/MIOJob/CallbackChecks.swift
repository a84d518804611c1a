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

    /// What each epoch logs, with the learning rate.
    private var available: [String] {
        let names = logNames.map(\.name)
        return names + (hasValidation ? names.map { "val_" + $0 } : []) + ["learning_rate"]
    }

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
        let available = available
        if let monitor = callback.monitor {
            let place = place.appending("monitor")
            guard available.contains(monitor.name) else {
                throw ConfigError(path: place, message: absence(of: monitor.name))
            }
            guard monitor.direction(in: logNames.directions) != nil else {
                throw ConfigError(
                    path: place,
                    message:
                        "mode: auto cannot tell whether \(quoted: monitor.name) is better when it is less or more; "
                        + "write mode: min or mode: max")
            }
        }
        if let checkpoint = callback as? ModelCheckpoint {
            for name in checkpoint.path.names where name != "epoch" && !available.contains(name) {
                throw ConfigError(path: place.appending("filepath"), message: absence(of: name))
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

    /// Why no epoch logs a number of that name.
    private func absence(of name: String) -> String {
        if !hasValidation, name.hasPrefix("val_"), available.contains(String(name.dropFirst(4))) {
            return
                "\(quoted: name) is a number of the validation, and there is no data.validation; add it, or "
                + "monitor \(quoted: name.dropFirst(4))"
        }
        return "no epoch logs this number: " + ConfigReader.unknown(name, valid: available)
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
