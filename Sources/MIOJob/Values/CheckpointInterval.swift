import MIOBase
import MIOConfig

/// The time from one checkpoint to the next: `checkpoints.every`.
public enum CheckpointInterval: Hashable, Sendable {
    /// Found out from what a checkpoint costs and how often the run fails.
    case automatic
    /// So many seconds.
    case seconds(Int)

    static let expected = "`auto`, a time such as 10m or 1h 30m, or a mapping such as {steps: 200}"

    /// As a job file says it.
    package var text: String {
        switch self {
        case .automatic: "auto"
        case .seconds(let seconds): "\(seconds)s"
        }
    }

    /// What `every` says: a time, or other words for `every_steps` and `every_epochs`.
    struct Written {
        var interval: CheckpointInterval?
        var steps: Int?
        var epochs: Int?
    }

    static func read(_ reader: inout ConfigReader) throws(ConfigError) -> Written {
        var written = Written()
        switch try reader.optionalValue("every", expected: expected) {
        case nil: break
        case .string("auto")?: written.interval = .automatic
        // A number alone may mean steps or seconds.
        case .string(let text)? where Int(text) == nil:
            guard let seconds = TimeLimit.seconds(of: text) else {
                throw reader.error("every", "expected \(expected), found \(quoted: text)")
            }
            written.interval = .seconds(seconds)
        case .dictionary(let entries)?:
            var nested = ConfigReader(entries, at: reader.path.appending("every"))
            nested.refusesNull = reader.refusesNull
            written.steps = try nested.optionalInteger("steps", atLeast: 1)
            written.epochs = try nested.optionalInteger("epochs", atLeast: 1)
            try nested.finish()
            guard written.steps != nil || written.epochs != nil else {
                throw reader.error("every", "expected steps or epochs in the mapping, found none")
            }
        case .integer(let number)?:
            throw reader.error(
                "every",
                "expected \(expected), found \(number): write \(number)s for seconds or {steps: \(number)} for steps"
            )
        case .some(let other):
            throw reader.error("every", "expected \(expected), found \(other.summary)")
        }
        return written
    }
}
