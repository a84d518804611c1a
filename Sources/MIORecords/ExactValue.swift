import MIOBase
import MIOConfig

/// A `ConfigValue` in a form whose JSON reads back bit for bit.
///
/// JSON has no infinities, and a reader may take `1.0` for an integer. So a real becomes a string, `real:0.1`
/// (the shortest decimal that reads back as the same double; `inf` and `-0.0` too), a NaN becomes
/// `bits:7ff8000000000000`, and a string that begins like one of these gets `text:` before it.
package enum ExactValue {
    package static func encode(_ value: ConfigValue) -> ConfigValue {
        switch value {
        case .real(let real) where real.isNaN: .string("bits:" + String(real.bitPattern, radix: 16))
        case .real(let real): .string("real:\(real)")
        case .string(let text) where ["real:", "bits:", "text:"].contains { text.hasPrefix($0) }:
            .string("text:" + text)
        case .list(let values): .list(values.map(encode))
        case .dictionary(let values):
            .dictionary(
                values.entries.reduce(into: ConfigDictionary()) { $0[$1.key] = encode($1.value) })
        case .null, .boolean, .integer, .string: value
        }
    }

    /// - Throws: `ConfigError` with the path of a string that claims to be a number and is none.
    package static func decode(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> ConfigValue {
        switch value {
        case .string(let text):
            let rest = String(text.dropFirst(5))
            switch text.prefix(5) {
            case "text:": return .string(rest)
            case "real:":
                if let real = Double(rest) { return .real(real) }
            case "bits:":
                if let bits = UInt64(rest, radix: 16) { return .real(Double(bitPattern: bits)) }
            default: return value
            }
            throw ConfigError(path: path, message: "expected a number, found \(quoted: text)")
        case .list(let values):
            var decoded: [ConfigValue] = []
            for (index, value) in values.enumerated() {
                decoded.append(try decode(value, at: path.appending(index: index)))
            }
            return .list(decoded)
        case .dictionary(let values):
            var decoded = ConfigDictionary()
            for (key, value) in values.entries { decoded[key] = try decode(value, at: path.appending(key)) }
            return .dictionary(decoded)
        case .null, .boolean, .integer, .real: return value
        }
    }
}
