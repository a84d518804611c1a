import MIOBase

extension ConfigValue {
    /// Reads JSON text from elsewhere, and keeps the order of every object's keys.
    ///
    /// As Python's `json` writes it: `NaN`, `Infinity` and `-Infinity` are numbers. Integers beyond `Int` become real numbers.
    /// - Throws: `ConfigError` at the root: not JSON, a key twice, nested deeper than `OrderedJSON.deepest`.
    package init(orderedJSON bytes: [UInt8]) throws(ConfigError) {
        var reader = OrderedJSON(bytes)
        do throws(OrderedJSON.Mismatch) {
            self = try reader.whole()
        } catch {
            throw ConfigError(
                path: ConfigPath(),
                message: "not valid JSON: expected \(error.expected) at byte \(error.position)")
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

/// A reader of JSON that bounds its depth and loses nothing.
struct OrderedJSON {
    /// More than any configuration of Keras nests, and far less than the stack allows.
    static let deepest = 256

    struct Mismatch: Error {
        let expected: String
        let position: Int
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func whole() throws(Mismatch) -> ConfigValue {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw mismatch("the end") }
        return value
    }

    private func mismatch(_ expected: String) -> Mismatch { Mismatch(expected: expected, position: position) }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func takes(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
        position += count
        return true
    }

    private mutating func value(depth: Int) throws(Mismatch) -> ConfigValue {
        guard depth < Self.deepest else { throw mismatch("at most \(Self.deepest) levels") }
        skipSpace()
        guard position < bytes.count else { throw mismatch("a value") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try list(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): if takes("true") { return true }
        case UInt8(ascii: "f"): if takes("false") { return false }
        case UInt8(ascii: "n"): if takes("null") { return .null }
        case UInt8(ascii: "N"): if takes("NaN") { return .real(.nan) }
        case UInt8(ascii: "I"): if takes("Infinity") { return .real(.infinity) }
        default:
            if takes("-Infinity") { return .real(-.infinity) }
            return try number()
        }
        throw mismatch("a value")
    }

    private mutating func object(depth: Int) throws(Mismatch) -> ConfigValue {
        position += 1
        var dictionary = ConfigDictionary()
        skipSpace()
        if takes("}") { return .dictionary(dictionary) }
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw mismatch("a key")
            }
            let key = try string()
            guard dictionary[key] == nil else {
                throw mismatch("another key than \(key.shown(most: 60)), which is there already,")
            }
            skipSpace()
            guard takes(":") else { throw mismatch("':'") }
            dictionary[key] = try value(depth: depth + 1)
            skipSpace()
            if takes("}") { return .dictionary(dictionary) }
            guard takes(",") else { throw mismatch("',' or '}'") }
        }
    }

    private mutating func list(depth: Int) throws(Mismatch) -> ConfigValue {
        position += 1
        var values: [ConfigValue] = []
        skipSpace()
        if takes("]") { return .list(values) }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if takes("]") { return .list(values) }
            guard takes(",") else { throw mismatch("',' or ']'") }
        }
    }

    private mutating func number() throws(Mismatch) -> ConfigValue {
        let start = position
        var isReal = false
        loop: while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): break
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): isReal = true
            default: break loop
            }
            position += 1
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        let isNumber = text.utf8.first.map { $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) } ?? false
        if isNumber, !isReal, let integer = Int(text) { return .integer(integer) }
        guard isNumber, let real = Double(text) else {
            position = start
            throw mismatch("a value")
        }
        return .real(real)
    }

    private mutating func string() throws(Mismatch) -> String {
        position += 1
        var text: [UInt8] = []
        while true {
            guard position < bytes.count, bytes[position] >= 0x20 else {
                throw mismatch("the end of a string")
            }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw mismatch("UTF-8") }
                return string
            case UInt8(ascii: "\\"): text += Array(String(try escaped()).utf8)
            default: text.append(byte)
            }
        }
    }

    private mutating func escaped() throws(Mismatch) -> Unicode.Scalar {
        guard position < bytes.count else { throw mismatch("an escaped character") }
        let mark = bytes[position]
        position += 1
        switch mark {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(mark)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw mismatch("an escaped character")
        }
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code) {
            guard takes("\\u") else { throw mismatch("the second half of a surrogate pair") }
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low) else {
                throw mismatch("the second half of a surrogate pair")
            }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw mismatch("a Unicode character") }
        return scalar
    }

    private mutating func hexadecimal() throws(Mismatch) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count,
                let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue
            else { throw mismatch("four hexadecimal digits") }
            value = value << 4 + UInt32(digit)
            position += 1
        }
        return value
    }
}
