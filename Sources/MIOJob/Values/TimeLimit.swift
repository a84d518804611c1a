import MIOConfig

/// How long a run may take before it stops itself after a checkpoint: `training.time_limit`.
public enum TimeLimit: Hashable, Sendable {
    /// What the batch system allows, where its environment tells; else no limit.
    case automatic
    /// No limit.
    case none
    /// This long, in seconds, from the start of the program.
    case seconds(Int)

    private static let units: [(name: String, seconds: Int)] = [
        ("d", 86400), ("h", 3600), ("min", 60), ("m", 60), ("s", 1),
    ]
    /// A hundred years.
    private static let most = 3_155_760_000

    /// Reads `90min`, `1d 12h`, `36:00:00` or a number of seconds.
    init?(_ text: String) {
        let text = text.lowercased()
        if text == "auto" { self = .automatic; return }
        if text == "none" { self = .none; return }
        guard let seconds = Self.seconds(of: text) else { return nil }
        self = .seconds(seconds)
    }

    /// Of a time in the words of a job: `90min`, `1d 12h`, `36:00:00`, `5400`; `nil` for what is none.
    static func seconds(of text: String) -> Int? {
        let text = text.lowercased()
        guard let seconds = clock(text) ?? sum(text), (1...most).contains(seconds) else { return nil }
        return seconds
    }

    /// `36:00:00`
    private static func clock(_ text: String) -> Int? {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard fields.count == 3,
            fields.allSatisfy({ !$0.isEmpty && $0.count < 8 && $0.allSatisfy(\.isWholeNumber) })
        else { return nil }
        let numbers = fields.compactMap { Int($0) }
        guard numbers.count == 3, numbers[1] < 60, numbers[2] < 60 else { return nil }
        return numbers[0] * 3600 + numbers[1] * 60 + numbers[2]
    }

    /// `1d 12h`, `5400`
    private static func sum(_ text: String) -> Int? {
        if let seconds = Int(text) { return seconds }
        var total = 0
        var rest = Substring(text).drop { $0 == " " }
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            guard let number = Int(digits), number <= most,
                let unit = units.first(where: { rest.hasPrefix($0.name) })
            else { return nil }
            total += number * unit.seconds
            guard total <= most else { return nil }
            rest = rest.dropFirst(unit.name.count).drop { $0 == " " }
        }
        return total
    }

    static func read(_ value: ConfigValue?, at path: ConfigPath) throws(ConfigError) -> TimeLimit {
        let text: String
        switch value {
        case nil: return .automatic
        case .integer(let seconds): text = String(seconds)
        case .string(let written): text = written
        case .some(let other):
            throw ConfigError(path: path, message: "expected \(expected), found \(other.summary)")
        }
        guard let limit = TimeLimit(text) else {
            throw ConfigError(
                path: path, message: "expected \(expected), found \(value?.summary ?? "nothing")")
        }
        return limit
    }

    static let expected = "`auto`, `none`, or a time such as 90min, 1d 12h, 36:00:00 or a number of seconds"

    var config: ConfigValue {
        switch self {
        case .automatic: "auto"
        case .none: "none"
        case .seconds(let seconds): .integer(seconds)
        }
    }
}
