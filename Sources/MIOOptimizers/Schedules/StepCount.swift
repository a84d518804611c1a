import MIOConfig

/// How many steps a part of a schedule takes. Keras takes any number above 0: `epochs * samples / batch` is seldom whole.
enum StepCount {
    /// - Throws: `ConfigError`: there is none, or it is no such number.
    static func read(_ key: String, _ reader: inout ConfigReader) throws(ConfigError) -> Double {
        let expected = "a number above 0"
        reader.describe(key, expected)
        switch try reader.required(key) {
        case .integer(let number) where number > 0: return Double(number)
        case .real(let number) where number > 0 && number.isFinite: return number
        case let other: throw reader.error(key, "expected \(expected), found \(other.summary)")
        }
    }

    /// As it was most likely written.
    static func config(_ steps: Double) -> ConfigValue {
        Int(exactly: steps).map(ConfigValue.integer) ?? .real(steps)
    }
}
