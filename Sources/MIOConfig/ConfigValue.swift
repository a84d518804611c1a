import MIOBase

/// What a job file, a Keras configuration or a manifest is made of, before it means anything.
///
/// Dictionaries keep the order in which their keys were written; two are equal if they hold the same
/// entries in any order.
public enum ConfigValue: Hashable, Sendable {
    /// No value: `null` in YAML.
    case null
    /// `true` or `false`.
    case boolean(Bool)
    /// A whole number.
    case integer(Int)
    /// A number with a fraction or an exponent.
    case real(Double)
    /// A text.
    case string(String)
    /// Values in order.
    case list([ConfigValue])
    /// Values by key.
    case dictionary(ConfigDictionary)

    /// What a person would call it: `the integer 3`, `a list of 2`, `"same"`.
    public var summary: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): "the integer \(value)"
        case .real(let value): "the number \(value)"
        case .string(let value): "\(quoted: value)"
        case .list(let values): "a list of \(values.count)"
        case .dictionary(let values):
            values.isEmpty ? "an empty mapping" : "a mapping with \(listed(values.keys))"
        }
    }
}

extension ConfigValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .real(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(arrayLiteral elements: ConfigValue...) { self = .list(elements) }
    public init(nilLiteral: ()) { self = .null }
    /// The value that a literal or a number stands for.
    public init(_ values: [Int]) { self = .list(values.map(ConfigValue.integer)) }
}

/// Keys and values in the order they were written.
public struct ConfigDictionary: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// In the order in which they were written.
    public private(set) var keys: [String] = []
    private var values: [String: ConfigValue] = [:]

    /// A dictionary without entries.
    public init() {}

    /// A later entry with the same key replaces the earlier one's value.
    public init(dictionaryLiteral elements: (String, ConfigValue)...) {
        for (key, value) in elements { self[key] = value }
    }

    /// Whether there is no entry.
    public var isEmpty: Bool { keys.isEmpty }
    /// The number of entries.
    public var count: Int { keys.count }

    /// Setting `nil` removes the entry.
    public subscript(key: String) -> ConfigValue? {
        get { values[key] }
        set {
            if newValue == nil {
                keys.removeAll { $0 == key }
            } else if values[key] == nil {
                keys.append(key)
            }
            values[key] = newValue
        }
    }

    /// Keys and values in order.
    public var entries: [(key: String, value: ConfigValue)] {
        keys.map { (key: $0, value: values[$0] ?? .null) }
    }

    public static func == (a: Self, b: Self) -> Bool { a.values == b.values }
    public func hash(into hasher: inout Hasher) { hasher.combine(values) }
}
