import MIOConfig

extension Job {
    /// The whole job with every default written out and every path absolute. Read again, from any folder, it
    /// is an equal job.
    public var resolved: ConfigValue {
        var outputEntries = ConfigDictionary()
        for output in outputs { outputEntries[output.name] = .dictionary(output.config) }
        var job: ConfigDictionary = [
            "name": .string(name),
            // No integer of a file goes beyond Int.
            "seed": Int(exactly: seed).map(ConfigValue.integer) ?? .string(String(seed)),
            "model": model.graph.canonical,
            "outputs": .dictionary(outputEntries),
            "data": .dictionary(data.config(folder: folder)),
            "optimizer": optimizer.config,
            "training": .dictionary(training.config),
            "communication": .dictionary(communication.config),
            "checkpoints": .dictionary(checkpoints.config(logNames.directions)),
            "logging": .dictionary(logging.config),
            "run_directory": .string(runDirectory),
        ]
        if !callbacks.isEmpty { job["callbacks"] = .list(callbacks.map(\.config)) }
        if !notifications.isEmpty { job["notifications"] = .list(notifications.map(\.config)) }
        if !weights.isEmpty { job["weights"] = .list(weights.map(\.config)) }
        if !freeze.isEmpty { job["freeze"] = .list(freeze.map(ConfigValue.string)) }
        return .dictionary(job)
    }

    /// `resolved` as the text of a job file: what the run directory keeps.
    public var resolvedYAML: String { resolved.yaml }
}
