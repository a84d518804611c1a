import MIOConfig

/// When checkpoints are written, and how many stay: `checkpoints` of a job file.
public struct CheckpointOptions: Hashable, Sendable {
    /// Steps from one checkpoint to the next; 0 writes none for steps.
    public var everySteps: Int
    /// Epochs from one checkpoint to the next; 0 writes none for epochs.
    public var everyEpochs: Int
    /// How many of the newest stay.
    public var keep: Int

    /// As `checkpoints` of a job, with its defaults.
    public init(everySteps: Int = 0, everyEpochs: Int = 1, keep: Int = 3) {
        self.everySteps = everySteps
        self.everyEpochs = everyEpochs
        self.keep = keep
    }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        everySteps = try reader.integer("every_steps", default: 0, atLeast: 0)
        everyEpochs = try reader.integer("every_epochs", default: 1, atLeast: 0)
        keep = try reader.integer("keep", default: 3, atLeast: 1)
        try reader.finish()
    }

    var config: ConfigDictionary {
        [
            "every_steps": .integer(everySteps), "every_epochs": .integer(everyEpochs),
            "keep": .integer(keep),
        ]
    }
}
