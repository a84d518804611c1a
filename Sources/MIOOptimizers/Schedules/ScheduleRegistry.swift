import MIOConfig

/// The learning rates that a job file can give: numbers, and schedules by name.
package enum ScheduleRegistry {
    static let types: [any Schedule.Type] = [
        Constant.self,
        CosineDecay.self,
        CosineDecayRestarts.self,
        ExponentialDecay.self,
        InverseTimeDecay.self,
        PiecewiseConstantDecay.self,
        PolynomialDecay.self,
    ]

    /// The class name of each, for messages and documentation.
    package static var all: [String] { registry.names }

    private static let registry = Registry("a learning rate schedule", types) { [$0.className] }

    /// Reads `0.001`, or `{class: CosineDecay, initial_learning_rate: 0.001, decay_steps: 1000}`.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    package static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> any Schedule {
        switch value {
        case .real(let number): return try constant(number, at: path)
        case .integer(let number): return try constant(Double(number), at: path)
        case .dictionary: break
        default:
            throw ConfigError(
                path: path,
                message: "expected a learning rate: a number, or a mapping with the key \"class\" (valid: "
                    + all.joined(separator: ", ") + "); found \(value.summary)"
                    + ConfigReader.decimalCommaAdvice(value))
        }
        return try registry.read(value, at: path) { (type, named) throws(ConfigError) in
            let schedule = try type.init(reading: &named.reader)
            try named.reader.accept([.name()])
            return schedule
        }
    }

    private static func constant(_ number: Double, at path: ConfigPath) throws(ConfigError) -> Constant {
        guard number.isFinite, number >= 0 else {
            throw ConfigError(
                path: path, message: "expected a finite number of at least 0.0, found \(number)")
        }
        return Constant(number)
    }
}
