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
        if let integer = Int(text) { return .integer(integer) }
        // Swift reads as a Double what YAML calls strings: "inf", "nan", "0x1p3".
        let isDecimal =
            text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) } && text.first != "e"
            && text.first != "E"
        if isDecimal, let real = Double(text) {
            let isInteger = !text.utf8.contains { ".eE".utf8.contains($0) }
            return isInteger ? nil : .real(real)
        }
        for (prefix, radix) in [("0o", 8), ("0x", 16)] where text.hasPrefix(prefix) {
            let digits = text.dropFirst(2)
            guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.hexDigitValue ?? radix < radix })
            else { return .string(text) }
            return Int(digits, radix: radix).map(ConfigValue.integer)
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
