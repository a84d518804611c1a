import MIOBase
import MIOConfig

/// The names of classes by their numbers: `outputs.<name>.classes`, and `data.classes` for columns of texts that are inputs.
public enum ClassNames: Hashable, Sendable {
    /// The name of class 0 first.
    case list([String])
    /// The texts of the training data, in order of appearance. A run finds them and keeps the list.
    case appearance

    /// Reads `[setosa, versicolor]` or `appearance`. Integers are names too.
    /// - Throws: `ConfigError` for what is neither, for an empty name, and for one that is there twice.
    public init?(_ key: String, reading reader: inout ConfigReader) throws(ConfigError) {
        guard let value = reader.value(key) else { return nil }
        switch value {
        case .string("appearance"): self = .appearance
        case .list(let values):
            var names: [String] = []
            for value in values {
                switch value {
                case .string(let name) where !name.isEmpty: names.append(name)
                case .integer(let number): names.append("\(number)")
                default:
                    throw reader.error(
                        key,
                        "expected texts, found \(value.summary); quote a text that YAML reads as something else"
                    )
                }
            }
            guard !names.isEmpty else { throw reader.error(key, "expected at least one class") }
            var seen: Set<String> = []
            for name in names where !seen.insert(name).inserted {
                throw reader.error(key, "\(quoted: name) is there twice")
            }
            self = .list(names)
        default:
            throw reader.error(
                key,
                "expected a list of texts, or appearance for their order in the data, found \(value.summary)")
        }
    }

    /// The names, if they are known.
    public var names: [String]? {
        if case .list(let names) = self { names } else { nil }
    }

    /// As `init(_:reading:)` takes it.
    public var config: ConfigValue {
        switch self {
        case .list(let names): .list(names.map(ConfigValue.string))
        case .appearance: "appearance"
        }
    }
}
