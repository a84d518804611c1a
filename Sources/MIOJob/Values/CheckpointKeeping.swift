import MIOBase
import MIOCallbacks
import MIOConfig
import MIOObjectives

/// Which checkpoints stay: `checkpoints.keep` of a job file. A number keeps so many of the newest.
///
///     keep: 3
///     keep: {last: 3, best: 1, monitor: val_loss, mode: auto, every_steps: 5000}
///
/// A checkpoint stays if one of these rules keeps it. The newest that is whole always stays.
public struct CheckpointKeeping: Hashable, Sendable, ExpressibleByIntegerLiteral {
    /// How many of the newest.
    public var last: Int
    /// How many of the best by `monitor`, among those that were written at the end of an epoch: others have no such number. 1
    /// where `monitor` is written alone.
    public var best: Int
    /// What tells the best: a log name of any output, and which way it gets better.
    public var watched: Monitor
    /// Those of each so many steps are written, and stay for ever; 0 keeps none so.
    public var everySteps: Int

    /// - Parameters:
    ///   - monitor: What tells the best: a log name of any output.
    ///
    ///   - mode: Which way it gets better: `auto` as the loss or metric of that name does.
    public init(
        last: Int = 3, best: Int = 0, monitor: String = "val_loss", mode: Monitor.Mode = .auto,
        everySteps: Int = 0
    ) {
        self.last = last
        self.best = best
        watched = Monitor(monitor, mode: mode)
        self.everySteps = everySteps
    }

    /// The newest so many.
    public init(integerLiteral last: Int) { self.init(last: last) }

    static let expected = "an integer of at least 1 or a mapping such as {last: 3, best: 1}"

    static func read(_ parent: inout ConfigReader) throws(ConfigError) -> CheckpointKeeping {
        let path = parent.path.appending("keep")
        parent.describe("keep", expected, default: 3)
        switch try parent.optionalValue("keep", expected: expected) {
        case nil:
            // Its keys, for the page about them.
            if ConfigRecorder.current?.entersOptionalMappings == true {
                var empty = ConfigReader(ConfigDictionary(), at: path)
                return try CheckpointKeeping(reading: &empty)
            }
            return 3
        case .integer?: return CheckpointKeeping(last: try parent.integer("keep", atLeast: 1))
        case .dictionary(let entries)?:
            var reader = ConfigReader(entries, at: path)
            reader.refusesNull = parent.refusesNull
            return try CheckpointKeeping(reading: &reader)
        case .some(let other):
            throw ConfigError(path: path, message: "expected \(expected), found \(other.summary)")
        }
    }

    private init(reading reader: inout ConfigReader) throws(ConfigError) {
        last = try reader.integer("last", default: 3, atLeast: 1)
        reader.describe("best", "an integer of at least 0", default: 0)
        best = try reader.integer("best", default: reader.keys.contains("monitor") ? 1 : 0, atLeast: 0)
        watched = try Monitor(reading: &reader, defaultMinDelta: nil)
        everySteps = try reader.integer("every_steps", default: 0, atLeast: 0)
        try reader.finish()
    }

    func config(_ directions: [String: MetricDirection]) -> ConfigValue {
        guard best > 0 || everySteps > 0 else { return .integer(last) }
        var entries: ConfigDictionary = ["last": .integer(last), "best": .integer(best)]
        if best > 0 {
            let mode: Monitor.Mode =
                switch watched.direction(in: directions) {
                case .down?: .min
                case .up?: .max
                case nil: watched.mode
                }
            entries["monitor"] = .string(watched.name)
            entries["mode"] = .string(mode.rawValue)
        }
        entries["every_steps"] = .integer(everySteps)
        return .dictionary(entries)
    }

    /// `the newest 3, the best 1 by val_loss, each 5000 steps`
    package var text: String {
        (["the newest \(last)"] + (best > 0 ? ["the best \(best) by \(watched.name)"] : [])
            + (everySteps > 0 ? ["each of \(everySteps) steps"] : [])).joined(separator: ", ")
    }
}
