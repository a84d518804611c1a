import MIOConfig

/// The losses that a job file can name.
public enum LossRegistry {
    static let types: [any Loss.Type] = [
        BinaryCrossentropy.self,
        CategoricalCrossentropy.self,
        Huber.self,
        MeanAbsoluteError.self,
        MeanSquaredError.self,
        SparseCategoricalCrossentropy.self,
    ]

    /// The Keras function name of each, for messages and documentation; class names and short names
    /// (`MeanSquaredError`, `mse`) are understood too.
    public static var all: [String] { types.map { $0.names[0] } }

    /// Reads `mean_squared_error`, or `{class: Huber, delta: 0.5}`.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    package static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> any Loss {
        var named = try NamedConfig(value, at: path, kind: "a loss")
        guard
            let type = types.first(where: {
                $0.className == named.identifier || $0.names.contains(named.identifier)
            })
        else { throw named.unknownIdentifier(valid: all) }
        let loss = try type.init(reading: &named.reader)
        try named.reader.accept([.name(), .dtype] + type.kerasArguments)
        try named.reader.finish()
        return loss
    }
}
