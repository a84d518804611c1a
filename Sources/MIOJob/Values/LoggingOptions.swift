import MIOConfig

/// What is logged: `logging` of a job file.
public struct LoggingOptions: Hashable, Sendable {
    /// Steps from one logged step to the next.
    public var everySteps: Int
    /// Whether TensorBoard's event files are written beside `metrics.jsonl`.
    public var tensorBoard: Bool

    /// As `logging` of a job, with its defaults.
    public init(everySteps: Int = 10, tensorBoard: Bool = true) {
        self.everySteps = everySteps
        self.tensorBoard = tensorBoard
    }

    /// What a logged step tells besides losses and metrics.
    public static let stepNames = ["learning_rate", "samples_per_second", "step_seconds"]
    /// What an epoch tells besides, in all, and what every line has: no loss or metric may have one of these names.
    static let reservedNames = ["event", "step", "epoch", "data_wait_seconds"] + stepNames

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        everySteps = try reader.integer("every_steps", default: 10, atLeast: 1)
        tensorBoard = try reader.boolean("tensorboard", default: true)
        try reader.finish()
    }

    var config: ConfigDictionary {
        ["every_steps": .integer(everySteps), "tensorboard": .boolean(tensorBoard)]
    }
}
