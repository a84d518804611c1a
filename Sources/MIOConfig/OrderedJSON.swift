import MIOBase

extension ConfigValue {
    /// Reads JSON text from elsewhere, and keeps the order of every object's keys.
    ///
    /// As Python's `json` writes it: `NaN`, `Infinity` and `-Infinity` are numbers. Integers beyond `Int` become real numbers.
    /// - Throws: `ConfigError` at the root: not JSON, a key twice, nested deeper than `OrderedJSON.deepest`.
    package init(orderedJSON bytes: [UInt8]) throws(ConfigError) {
        let result = bytes.withUnsafeBytes { bytes -> Result<ConfigValue, JSONScanner.Mismatch> in
            var reader = OrderedJSON(bytes)
            do throws(JSONScanner.Mismatch) { return .success(try reader.whole()) } catch {
                return .failure(error)
            }
        }
        do throws(JSONScanner.Mismatch) {
            self = try result.get()
        } catch {
            throw ConfigError(
                path: ConfigPath(),
                message: "not valid JSON: expected \(error.expected), received \(error.received)")
        }
    }
}

extension ConfigValue {
    /// JSON text as Python's `json` reads it: infinities and NaN are `Infinity`, `-Infinity` and `NaN`, without quotes.
    package var pythonJSON: String {
        switch self {
        case .real(let value) where !value.isFinite:
            value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity"
        case .list(let values): "[" + values.map(\.pythonJSON).joined(separator: ", ") + "]"
        case .dictionary(let values):
            "{"
                + values.entries.map { ConfigValue.string($0.key).json() + ": " + $0.value.pythonJSON }
                .joined(separator: ", ") + "}"
        default: json()
        }
    }
}

/// Reads a whole JSON text, bounds its depth and loses nothing.
struct OrderedJSON {
    /// More than any configuration of Keras nests, and far less than the stack allows.
    static let deepest = 256

    private var scanner: JSONScanner

    init(_ bytes: UnsafeRawBufferPointer) { scanner = JSONScanner(bytes, place: "the text") }

    mutating func whole() throws(JSONScanner.Mismatch) -> ConfigValue {
        let value = try value(depth: 0)
        try scanner.expectEnd()
        return value
    }

    private mutating func value(depth: Int) throws(JSONScanner.Mismatch) -> ConfigValue {
        guard depth < Self.deepest else { throw scanner.mismatch("at most \(Self.deepest) levels") }
        switch scanner.next() {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try list(depth: depth)
        case UInt8(ascii: "\""): return .string(try scanner.string())
        default: break
        }
        if scanner.takes("true") { return true }
        if scanner.takes("false") { return false }
        if scanner.takes("null") { return .null }
        if scanner.takes("NaN") { return .real(.nan) }
        if scanner.takes("Infinity") { return .real(.infinity) }
        if scanner.takes("-Infinity") { return .real(-.infinity) }
        return try number()
    }

    private mutating func object(depth: Int) throws(JSONScanner.Mismatch) -> ConfigValue {
        try scanner.expect("{")
        var dictionary = ConfigDictionary()
        if scanner.takes("}") { return .dictionary(dictionary) }
        repeat {
            guard scanner.next() == UInt8(ascii: "\"") else { throw scanner.mismatch("a key") }
            let key = try scanner.string()
            guard dictionary[key] == nil else {
                throw .init(expected: "each key once", received: "\(quoted: key) twice")
            }
            try scanner.expect(":")
            dictionary[key] = try value(depth: depth + 1)
        } while scanner.takes(",")
        guard scanner.takes("}") else { throw scanner.mismatch("',' or '}'") }
        return .dictionary(dictionary)
    }

    private mutating func list(depth: Int) throws(JSONScanner.Mismatch) -> ConfigValue {
        try scanner.expect("[")
        var values: [ConfigValue] = []
        if scanner.takes("]") { return .list(values) }
        repeat { values.append(try value(depth: depth + 1)) } while scanner.takes(",")
        guard scanner.takes("]") else { throw scanner.mismatch("',' or ']'") }
        return .list(values)
    }

    private mutating func number() throws(JSONScanner.Mismatch) -> ConfigValue {
        let before = scanner
        let text = scanner.numberText()
        if Self.isNumber(text.utf8) {
            if let integer = Int(text) { return .integer(integer) }
            if let real = Double(text) { return .real(real) }
        }
        throw before.mismatch("a value")
    }

    /// Whether JSON writes a number so: no plus sign and no needless zero at its start, digits on both sides of a point.
    private static func isNumber(_ text: String.UTF8View) -> Bool {
        var rest = text[...]
        func takes(_ characters: StaticString) -> Bool {
            guard let first = rest.first,
                UnsafeBufferPointer(start: characters.utf8Start, count: characters.utf8CodeUnitCount)
                    .contains(first)
            else { return false }
            rest.removeFirst()
            return true
        }
        func digits() -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest.removeFirst(count)
            return count
        }
        _ = takes("-")
        if !takes("0") { guard digits() > 0 else { return false } }
        if takes(".") { guard digits() > 0 else { return false } }
        if takes("eE") {
            _ = takes("+-")
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
