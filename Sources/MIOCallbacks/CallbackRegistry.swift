import MIOConfig

/// The callbacks that a job file can name.
public enum CallbackRegistry {
    static let types: [any Callback.Type] = [
        CSVLogger.self,
        EarlyStopping.self,
        LearningRateScheduler.self,
        ModelCheckpoint.self,
        ReduceLROnPlateau.self,
        TerminateOnNaN.self,
    ]

    /// The class name of each, for messages and documentation.
    public static var all: [String] { registry.names }

    private static let registry = Registry("a callback", types) { [$0.className] }

    /// What mio does without being asked, by the names of Keras' callbacks for it.
    private static let advice = [
        "BackupAndRestore": "mio does so by itself: checkpoints of a job says how often; remove it",
        "TensorBoard": "logging.tensorboard is mio's key for it",
        "ProgbarLogger": "mio shows its progress by itself; remove it",
        "History": "mio.History and metrics.jsonl are always there; remove it",
        "LambdaCallback": "it is a function of Python, which cannot be read",
        "RemoteMonitor": "mio has none; metrics.jsonl can be followed",
        "SwapEMAWeights": "optimizer.use_ema keeps averages of the weights",
    ]

    /// Reads `{class: EarlyStopping, patience: 5}`, or a name alone.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    package static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> any Callback {
        let asked: ConfigValue? =
            if case .dictionary(let entries) = value { entries["class"] ?? entries["class_name"] } else {
                value
            }
        if case .string(let name)? = asked, let advice = advice[name] {
            throw ConfigError(path: path, message: "\(name): \(advice)")
        }
        return try registry.read(value, at: path) { (type, named) throws(ConfigError) in
            let callback = try type.init(reading: &named.reader)
            // Each tells in one line what it did.
            try named.reader.accept([.at(0, 1, false, true, named: "verbose")] + type.kerasArguments)
            return callback
        }
    }
}
