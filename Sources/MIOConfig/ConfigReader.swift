import MIOBase

/// Reads one dictionary's keys as typed values, and refuses those nobody asked for.
///
///     var reader = try ConfigReader(value, at: path)
///     units = try reader.integer("units", atLeast: 1)
///     useBias = try reader.boolean("use_bias", default: true)
///     try reader.finish()          // an unknown key is an error that names the nearest one asked for
///
/// Every method throws `ConfigError`, which names the path, what was expected and what was found.
public struct ConfigReader {
    package let path: ConfigPath
    /// Whether null is no value of optional keys either. Keras' configurations have it there; in a job it is a key whose
    /// value was forgotten. Nested dictionaries are read alike. Keys with a default never take null: in Keras it would
    /// mean something else (`use_bias`, `reduction`), or be an error.
    public var refusesNull = false
    private let dictionary: ConfigDictionary
    private var known: Set<String> = []
    /// Known too, but not offered to whoever wrote an unknown key.
    private var unlisted: Set<String> = []

    package init(_ dictionary: ConfigDictionary, at path: ConfigPath) {
        self.dictionary = dictionary
        self.path = path
    }

    package init(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) {
        guard case .dictionary(let dictionary) = value else {
            throw ConfigError(
                path: path, message: "expected a mapping of keys to values, found \(value.summary)")
        }
        self.init(dictionary, at: path)
    }

    /// The same reader, with the same keys known, of a dictionary in which one value is another.
    public func replacing(_ key: String, with value: ConfigValue) -> ConfigReader {
        var changed = dictionary
        changed[key] = value
        var reader = ConfigReader(changed, at: path)
        reader.known = known
        reader.unlisted = unlisted
        reader.refusesNull = refusesNull
        return reader
    }

    // MARK: Any value

    /// The keys present, in the order they were written: for dictionaries whose keys are names.
    public var keys: [String] { dictionary.keys }

    /// The raw value; `nil` if the key is absent or its value is null.
    public mutating func value(_ key: String) -> ConfigValue? {
        note(key)
        return read(key)
    }

    private mutating func read(_ key: String) -> ConfigValue? {
        known.insert(key)
        let value = dictionary[key]
        return value == .null ? nil : value
    }

    /// The raw value of a key that may be left out; `nil` if it is.
    /// - Parameter expected: what the value may be, for the error about null.
    public mutating func optionalValue(_ key: String, expected: String) throws(ConfigError) -> ConfigValue? {
        note(key, expected: expected)
        if refusesNull { try refuseNull(key, expected: expected) }
        return read(key)
    }

    /// - Throws: `ConfigError` if the key is there and its value is null.
    public func refuseNull(_ key: String, expected: String) throws(ConfigError) {
        note(key, expected: expected)
        guard dictionary[key] == .null else { return }
        throw error(key, "expected \(expected), found null; give it a value, or leave the key out")
    }

    /// The same, of a key that no message offers.
    public mutating func unlisted(_ key: String) -> ConfigValue? {
        if !known.contains(key) { unlisted.insert(key) }
        let value = dictionary[key]
        return value == .null ? nil : value
    }

    /// Whether the key is there, and null.
    public func isNull(_ key: String) -> Bool { dictionary[key] == .null }

    /// The value of a key that must be there.
    /// - Throws: `ConfigError` that names the key.
    public mutating func required(_ key: String) throws(ConfigError) -> ConfigValue {
        try required(key, expected: nil, example: 1)
    }

    /// - Parameter example: what a recorder puts in the place of an absent value for which it has no example of its own.
    private mutating func required(
        _ key: String, expected: @autoclosure () -> String?, example: @autoclosure () -> ConfigValue
    ) throws(ConfigError) -> ConfigValue {
        note(key, expected: expected(), isRequired: true)
        guard let value = read(key) else {
            if let recorder = ConfigRecorder.current { return recorder.examples[key] ?? example() }
            if dictionary[key] == .null { throw error(key, "expected a value, found null") }
            var message = "missing; expected the key \(quoted: key)"
            if let near = nearestName(to: key, in: dictionary.keys.filter { !known.contains($0) }) {
                message += " (found \(quoted: near): did you mean \(quoted: key)?)"
            }
            throw ConfigError(path: path.appending(key), message: message)
        }
        return value
    }

    /// An error at a key.
    public func error(_ key: String, _ message: String) -> ConfigError {
        ConfigError(path: path.appending(key), message: message)
    }

    private func mismatch(_ key: String, expected: String, _ value: ConfigValue) -> ConfigError {
        error(key, "expected \(expected), found \(value.summary)" + Self.decimalCommaAdvice(value))
    }

    /// Refuses every key that was not asked for.
    public func finish() throws(ConfigError) {
        guard
            let unknown = dictionary.keys.first(where: { !known.contains($0) && !unlisted.contains($0) })
        else { return }
        if let message = decimalComma(before: unknown) { throw error(unknown, message) }
        var message = "unknown key"
        if let near = nearestName(to: unknown, in: known.union(unlisted).sorted()) {
            message += "; did you mean \(quoted: near)?"
        }
        if !known.isEmpty {
            message += message.hasSuffix("?") ? " " : ". "
            message += "Valid keys here: " + listed(known.sorted())
        }
        throw error(unknown, message)
    }

    /// What `{rate: 0,001}` means: the keys `rate` and `001`.
    private func decimalComma(before key: String) -> String? {
        guard dictionary[key] == .null, key.first?.isNumber == true,
            key.wholeMatch(of: /[0-9]+([eE][+-]?[0-9]+)?/) != nil,
            let index = dictionary.keys.firstIndex(of: key), index > 0,
            case .integer(let whole)? = dictionary[dictionary.keys[index - 1]]
        else { return nil }
        let name = dictionary.keys[index - 1]
        return
            "a comma ends an entry: \"\(name): \(whole),\(key)\" sets \(name) to \(whole), and \(quoted: key) is a key of "
            + "its own; write the decimal point, \(whole).\(key)"
    }

    /// A number as text with a decimal comma; the advice for it, else nothing.
    public static func decimalCommaAdvice(_ value: ConfigValue) -> String {
        guard case .string(let text) = value,
            text.wholeMatch(of: /[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?/) != nil
        else { return "" }
        return "; write the decimal point, \(text.replacing(",", with: "."))"
    }

    // MARK: Integers

    /// The integer of a key that must be there.
    /// - Throws: `ConfigError` for another type or range.
    public mutating func integer(_ key: String, atLeast minimum: Int = .min, atMost maximum: Int = .max)
        throws(ConfigError) -> Int
    {
        let value = try required(
            key, expected: "an integer" + Self.bounds(minimum, maximum),
            example: .integer(min(max(minimum, 1), maximum)))
        return try integer(key, value, minimum, maximum)
    }

    /// The integer of a key, or its default.
    /// - Throws: `ConfigError` for another type or range.
    public mutating func integer(
        _ key: String, default fallback: Int, atLeast minimum: Int = .min, atMost maximum: Int = .max
    ) throws(ConfigError) -> Int {
        let expected = "an integer" + Self.bounds(minimum, maximum)
        note(key, expected: expected, fallback: .integer(fallback))
        try refuseNull(key, expected: expected)
        return try optionalInteger(key, atLeast: minimum, atMost: maximum) ?? fallback
    }

    /// The integer of a key; `nil` where the key is missing or null.
    /// - Throws: `ConfigError` for another type or range.
    public mutating func optionalInteger(
        _ key: String, atLeast minimum: Int = .min, atMost maximum: Int = .max
    ) throws(ConfigError) -> Int? {
        let expected = "an integer" + Self.bounds(minimum, maximum)
        guard let value = try optionalValue(key, expected: expected) else { return nil }
        return try integer(key, value, minimum, maximum)
    }

    private func integer(_ key: String, _ value: ConfigValue, _ minimum: Int, _ maximum: Int)
        throws(ConfigError) -> Int
    {
        guard case .integer(let integer) = value else { throw mismatch(key, expected: "an integer", value) }
        guard minimum <= integer, integer <= maximum else {
            throw mismatch(key, expected: "an integer" + Self.bounds(minimum, maximum), value)
        }
        return integer
    }

    private static func bounds(_ minimum: Int, _ maximum: Int) -> String {
        (minimum == .min ? "" : " of at least \(minimum)")
            + (maximum == .max ? "" : (minimum == .min ? " of" : " and") + " at most \(maximum)")
    }

    /// One integer, or a list of `count` of them; one stands for all (Keras' `kernel_size: 3`).
    public mutating func integers(
        _ key: String, count: Int, default fallback: [Int]? = nil, atLeast minimum: Int,
        atMost maximum: Int = .max
    )
        throws(ConfigError) -> [Int]
    {
        let expected = "an integer\(Self.bounds(minimum, maximum)), or a list of \(count) of them"
        if let fallback {
            note(key, expected: expected, fallback: ConfigValue(fallback))
            try refuseNull(key, expected: expected)
            if read(key) == nil { return fallback }
        }
        let value = try required(key, expected: expected, example: .integer(max(minimum, 1)))
        switch value {
        case .integer(let one) where minimum <= one && one <= maximum:
            return [Int](repeating: one, count: count)
        case .list(let values) where values.count == count:
            var integers: [Int] = []
            for case .integer(let one) in values where minimum <= one && one <= maximum {
                integers.append(one)
            }
            if integers.count == count { return integers }
        default: break
        }
        throw mismatch(key, expected: expected, value)
    }

    /// One integer, or a list of them of any length (Keras' `axis`).
    public mutating func oneOrMoreIntegers(_ key: String, default fallback: [Int]) throws(ConfigError)
        -> [Int]
    {
        let expected = "an integer, or a list of integers"
        note(
            key, expected: expected,
            fallback: fallback.count == 1 ? .integer(fallback[0]) : ConfigValue(fallback))
        try refuseNull(key, expected: expected)
        guard let value = read(key) else { return fallback }
        if case .integer(let one) = value { return [one] }
        return try integerList(key)
    }

    /// A list of integers of any length, `[64, 64, 1]` in the file.
    public mutating func integerList(_ key: String) throws(ConfigError) -> [Int] {
        let expected = "a list of integers, as [64, 64, 1]"
        let value = try required(key, expected: expected, example: [1])
        guard case .list(let values) = value else { throw mismatch(key, expected: expected, value) }
        var integers: [Int] = []
        for (index, value) in values.enumerated() {
            guard case .integer(let integer) = value else {
                throw ConfigError(
                    path: path.appending(key).appending(index: index),
                    message: "expected an integer, found \(value.summary)")
            }
            integers.append(integer)
        }
        return integers
    }

    // MARK: Numbers and booleans

    /// A real number; an integer will do.
    public mutating func real(_ key: String, in range: ClosedRange<Double> = -.infinity ... .infinity)
        throws(ConfigError) -> Double
    {
        let value = try required(
            key, expected: "a number" + Self.bounds(range),
            // Off both ends, of which one is refused here and there.
            example: .real(
                range == 0...1 ? 0.5 : range.contains(1) ? 1 : range.lowerBound))
        return try real(key, value, in: range)
    }

    private static func bounds(_ range: ClosedRange<Double>) -> String {
        range.lowerBound == -.infinity
            ? ""
            : range.upperBound == .infinity
                ? " of at least \(range.lowerBound)" : " from \(range.lowerBound) to \(range.upperBound)"
    }

    /// The number of a key, or its default.
    /// - Throws: `ConfigError` for another type or range.
    public mutating func real(
        _ key: String, default fallback: Double, in range: ClosedRange<Double> = -.infinity ... .infinity
    ) throws(ConfigError) -> Double {
        note(key, expected: "a number" + Self.bounds(range), fallback: .real(fallback))
        try refuseNull(key, expected: "a number")
        return try optionalReal(key, in: range) ?? fallback
    }

    /// The number of a key; `nil` where the key is missing or null.
    /// - Throws: `ConfigError` for another type or range.
    public mutating func optionalReal(_ key: String, in range: ClosedRange<Double> = -.infinity ... .infinity)
        throws(ConfigError) -> Double?
    {
        note(key, expected: "a number" + Self.bounds(range))
        guard let value = try optionalValue(key, expected: "a number") else { return nil }
        return try real(key, value, in: range)
    }

    private func real(_ key: String, _ value: ConfigValue, in range: ClosedRange<Double>) throws(ConfigError)
        -> Double
    {
        let real: Double
        switch value {
        case .real(let number): real = number
        case .integer(let number): real = Double(number)
        default: throw mismatch(key, expected: "a number", value)
        }
        guard range.contains(real) else {
            let bounds = range.lowerBound == -.infinity ? " other than NaN" : Self.bounds(range)
            throw mismatch(key, expected: "a number" + bounds, value)
        }
        return real
    }

    /// The Boolean of a key, or its default.
    /// - Throws: `ConfigError` for another type.
    public mutating func boolean(_ key: String, default fallback: Bool) throws(ConfigError) -> Bool {
        note(key, expected: "true or false", fallback: .boolean(fallback))
        try refuseNull(key, expected: "true or false")
        return try optionalBoolean(key) ?? fallback
    }

    /// The Boolean of a key; `nil` where the key is missing or null.
    /// - Throws: `ConfigError` for another type.
    public mutating func optionalBoolean(_ key: String) throws(ConfigError) -> Bool? {
        guard let value = try optionalValue(key, expected: "true or false") else { return nil }
        guard case .boolean(let boolean) = value else {
            throw mismatch(key, expected: "true or false", value)
        }
        return boolean
    }

    // MARK: Strings

    /// The text of a key that must be there.
    /// - Throws: `ConfigError` for another type.
    public mutating func string(_ key: String) throws(ConfigError) -> String {
        try string(key, try required(key, expected: "a string", example: "example"))
    }

    /// The text of a key; `nil` where the key is missing or null.
    /// - Throws: `ConfigError` for another type.
    public mutating func optionalString(_ key: String) throws(ConfigError) -> String? {
        guard let value = try optionalValue(key, expected: "a string") else { return nil }
        return try string(key, value)
    }

    private func string(_ key: String, _ value: ConfigValue) throws(ConfigError) -> String {
        guard case .string(let string) = value else { throw mismatch(key, expected: "a string", value) }
        guard !string.isEmpty else { throw error(key, "expected a string that is not empty, found \"\"") }
        return string
    }

    /// One string or a list of strings.
    public mutating func strings(_ key: String) throws(ConfigError) -> [String] {
        let expected = "a string or a list of strings"
        let value = try required(key, expected: expected, example: "example")
        switch value {
        case .string(let string): return [string]
        case .list(let values):
            var strings: [String] = []
            for case .string(let string) in values { strings.append(string) }
            if strings.count == values.count { return strings }
        default: break
        }
        throw mismatch(key, expected: expected, value)
    }

    /// One of an enumeration's raw values.
    public mutating func choice<Choice>(_ key: String, default fallback: Choice? = nil) throws(ConfigError)
        -> Choice
    where Choice: RawRepresentable<String> & CaseIterable {
        let valid = Choice.allCases.map(\.rawValue)
        var expected: String { "one of " + listed(valid) }
        if let fallback {
            note(key, expected: expected, fallback: .string(fallback.rawValue))
            try refuseNull(key, expected: expected)
            if read(key) == nil { return fallback }
        }
        let value = try required(key, expected: expected, example: .string(valid.first ?? ""))
        guard case .string(let name) = value else { throw mismatch(key, expected: expected, value) }
        guard let choice = Choice(rawValue: name) else {
            throw error(key, Self.unknown(name, valid: valid))
        }
        return choice
    }

    /// The message for a name that is not among the valid ones.
    public static func unknown(_ name: String, valid: [String]) -> String {
        let near = nearestName(to: name, in: valid).map { "; did you mean \(quoted: $0)?" } ?? "."
        return "unknown name \(quoted: name)\(near) Valid names: " + listed(valid)
    }

    // MARK: Nested dictionaries

    /// A reader of the mapping of a key that must be there.
    /// - Throws: `ConfigError` for another type.
    public mutating func dictionary(_ key: String) throws(ConfigError) -> ConfigReader {
        try nested(key, try required(key, expected: "a mapping", example: .dictionary(ConfigDictionary())))
    }

    /// A reader of the mapping of a key; `nil` where the key is missing or null.
    /// - Throws: `ConfigError` for another type.
    public mutating func optionalDictionary(_ key: String) throws(ConfigError) -> ConfigReader? {
        note(key, expected: "a mapping")
        guard let value = read(key) else {
            guard ConfigRecorder.current?.entersOptionalMappings == true else { return nil }
            return try nested(key, .dictionary(ConfigDictionary()))
        }
        return try nested(key, value)
    }

    private func nested(_ key: String, _ value: ConfigValue) throws(ConfigError) -> ConfigReader {
        var reader = try ConfigReader(value, at: path.appending(key))
        reader.refusesNull = refusesNull
        return reader
    }
}
