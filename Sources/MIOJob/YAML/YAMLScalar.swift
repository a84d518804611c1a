import MIOConfig

/// Plain scalars of YAML 1.2's core schema (<https://yaml.org/spec/1.2.2/#103-core-schema>).
///
/// Unlike in YAML 1.1, `yes` and `on` are strings and `1e-3` is a number.
enum YAMLScalar {
    /// - Returns: `nil` for an integer beyond 64 bits: neither rounding it nor calling it a string would be
    ///   what was meant.
    static func value(plain text: String) -> ConfigValue? {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .boolean(true)
        case "false", "False", "FALSE": return .boolean(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .real(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .real(-.infinity)
        case ".nan", ".NaN", ".NAN": return .real(.nan)
        default: break
        }
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return .string(text) }
        if text.wholeMatch(of: /[-+]?[0-9]+/) != nil { return Int(text).map(ConfigValue.integer) }
        if text.wholeMatch(of: /0o[0-7]+/) != nil {
            return Int(text.dropFirst(2), radix: 8).map(ConfigValue.integer)
        }
        if text.wholeMatch(of: /0x[0-9a-fA-F]+/) != nil {
            return Int(text.dropFirst(2), radix: 16).map(ConfigValue.integer)
        }
        if text.wholeMatch(of: /[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?/) != nil {
            return Double(text).map(ConfigValue.real) ?? .string(text)
        }
        return .string(text)
    }

    /// The shortest text that reads back as the same number, in YAML 1.1 too (which wants a point).
    static func text(_ real: Double) -> String {
        if real.isNaN { return ".nan" }
        if real.isInfinite { return real < 0 ? "-.inf" : ".inf" }
        let text = "\(real)"
        guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return text[..<exponent] + ".0" + text[exponent...]
    }
}
