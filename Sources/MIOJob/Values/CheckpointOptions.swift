import MIOConfig
import MIOObjectives

/// When checkpoints are written, and how many stay: `checkpoints` of a job file.
public struct CheckpointOptions: Hashable, Sendable {
    /// Steps from one checkpoint to the next; 0 writes none for steps.
    public var everySteps: Int
    /// Epochs from one checkpoint to the next; 0 writes none for epochs. With `every` as a time or `auto` it is 0 unless it is
    /// written, or `keep.best` needs the ends of epochs.
    public var everyEpochs: Int
    /// Time from one checkpoint to the next: `auto`, or a time such as `10m`, whatever else writes them. `{steps: N}` and
    /// `{epochs: N}` are other words for `every_steps` and `every_epochs`. See [when checkpoints are
    /// written](runs.md#when-checkpoints-are-written).
    public var every: CheckpointInterval?
    /// Which stay: the newest so many, or a mapping.
    public var keep: CheckpointKeeping

    /// As `checkpoints` of a job, with its defaults.
    /// - Parameter everyEpochs: `nil` for 1; with `every` for 0, unless `keep` has a number of best ones.
    public init(
        everySteps: Int = 0, everyEpochs: Int? = nil, every: CheckpointInterval? = nil,
        keep: CheckpointKeeping = 3
    ) {
        self.everySteps = everySteps
        self.everyEpochs = everyEpochs ?? Self.defaultEpochs(every, keep)
        self.every = every
        self.keep = keep
    }

    private static func defaultEpochs(_ every: CheckpointInterval?, _ keep: CheckpointKeeping) -> Int {
        every == nil || keep.best > 0 ? 1 : 0
    }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        everySteps = try reader.integer("every_steps", default: 0, atLeast: 0)
        let epochsOrDefault = try reader.integer("every_epochs", default: 1, atLeast: 0)
        let epochs = reader.keys.contains("every_epochs") ? epochsOrDefault : nil
        let written = try CheckpointInterval.read(&reader)
        keep = try CheckpointKeeping.read(&reader)
        try reader.finish()
        every = written.interval
        everyEpochs = epochs ?? written.epochs ?? Self.defaultEpochs(every, keep)
        if let steps = written.steps {
            guard everySteps == 0 else { throw twice("{steps: \(steps)}", "every_steps", everySteps, reader) }
            everySteps = steps
        } else if every != nil, everySteps > 0 {
            throw twice(every?.text ?? "", "every_steps", everySteps, reader)
        }
        if let other = written.epochs, let epochs {
            throw twice("{epochs: \(other)}", "every_epochs", epochs, reader)
        }
    }

    /// `checkpoints` of a job that a run has written into its folder, without a look at the rest.
    /// - Throws: `JobError`
    package init(resolvedYAML text: String, file: String) throws(JobError) {
        let source = try JobSource(text: text, file: file, overrides: [])
        do {
            var reader = try ConfigReader(source.value, at: ConfigPath())
            guard var section = try reader.optionalDictionary("checkpoints") else {
                self.init()
                return
            }
            try self.init(reading: &section)
        } catch {
            throw source.locate(error)
        }
    }

    private func twice(_ every: String, _ key: String, _ value: Int, _ reader: ConfigReader) -> ConfigError {
        reader.error(
            "every",
            "every: \(every) and \(key): \(value) both say when checkpoints are written; leave one of them out"
        )
    }

    /// - Parameter directions: which way each log name gets better; what `mode: auto` finds out is written as it is.
    func config(_ directions: [String: MetricDirection]) -> ConfigDictionary {
        var entries: ConfigDictionary = [
            "every_steps": .integer(everySteps), "every_epochs": .integer(everyEpochs),
            "keep": keep.config(directions),
        ]
        if let every { entries["every"] = .string(every.text) }
        return entries
    }
}
