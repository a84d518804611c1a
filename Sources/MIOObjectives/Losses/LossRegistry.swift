import MIOConfig

/// The losses that a job file can name.
package enum LossRegistry {
    static let types: [any Loss.Type] = [
        BinaryCrossentropy.self,
        BinaryFocalCrossentropy.self,
        CategoricalCrossentropy.self,
        CategoricalFocalCrossentropy.self,
        CategoricalGeneralizedCrossEntropy.self,
        CategoricalHinge.self,
        CosineSimilarity.self,
        Dice.self,
        Hinge.self,
        Huber.self,
        KLDivergence.self,
        LogCosh.self,
        MeanAbsoluteError.self,
        MeanAbsolutePercentageError.self,
        MeanSquaredError.self,
        MeanSquaredLogarithmicError.self,
        Pinball.self,
        Poisson.self,
        SparseCategoricalCrossentropy.self,
        SquaredHinge.self,
        Tversky.self,
        WeightedBinaryCrossentropy.self,
    ]

    /// The Keras function name of each, for messages and documentation; class names and short names
    /// (`MeanSquaredError`, `mse`) are understood too.
    package static var all: [String] { registry.names }

    /// The Keras class of each.
    package static var classNames: [String] { types.map { $0.className } }

    private static let registry = Registry("a loss", types) { $0.names + [$0.className] }

    /// Reads `mean_squared_error`, or `{class: Huber, delta: 0.5}`.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    package static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> any Loss {
        try registry.read(value, at: path) { (type, named) throws(ConfigError) in
            let loss = try type.init(reading: &named.reader)
            try named.reader.accept([.name(), .dtype] + type.kerasArguments)
            return loss
        }
    }
}
