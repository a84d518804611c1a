import MIOConfig

/// The metrics that a job file can name.
package enum MetricRegistry {
    static let types: [any Metric.Type] = [
        AUCMetric.self,
        AccuracyMetric.self,
        BinaryAccuracyMetric.self,
        BinaryCrossentropyMetric.self,
        BinaryIoUMetric.self,
        BoxIoUMetric.self,
        CategoricalAccuracyMetric.self,
        CategoricalCrossentropyMetric.self,
        CategoricalHingeMetric.self,
        CosineSimilarityMetric.self,
        F1ScoreMetric.self,
        FBetaScoreMetric.self,
        FalseNegativesMetric.self,
        FalsePositivesMetric.self,
        HingeMetric.self,
        IoUMetric.self,
        KLDivergenceMetric.self,
        LogCoshErrorMetric.self,
        MeanAbsoluteErrorMetric.self,
        MeanAbsolutePercentageErrorMetric.self,
        MeanIoUMetric.self,
        MeanSquaredErrorMetric.self,
        MeanSquaredLogarithmicErrorMetric.self,
        OneHotIoUMetric.self,
        OneHotMeanIoUMetric.self,
        PoissonMetric.self,
        PrecisionAtRecallMetric.self,
        PrecisionMetric.self,
        R2ScoreMetric.self,
        RecallAtPrecisionMetric.self,
        RecallMetric.self,
        RootMeanSquaredErrorMetric.self,
        SensitivityAtSpecificityMetric.self,
        SparseCategoricalAccuracyMetric.self,
        SparseCategoricalCrossentropyMetric.self,
        SparseTopKCategoricalAccuracyMetric.self,
        SpecificityAtSensitivityMetric.self,
        SquaredHingeMetric.self,
        TopKCategoricalAccuracyMetric.self,
        TrueNegativesMetric.self,
        TruePositivesMetric.self,
    ]

    /// The Keras function name of each, for messages and documentation; class names and short names
    /// (`MeanAbsoluteError`, `mae`) are understood too.
    package static var all: [String] { registry.names }

    /// The Keras class of each.
    package static var classNames: [String] { types.map { $0.className } }

    private static let registry = Registry("a metric", types) { $0.names + [$0.className] }

    /// Reads `accuracy`, or `{class: TopKCategoricalAccuracy, k: 3, name: top3}`.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    package static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> any Metric {
        try registry.read(value, at: path, allowsName: true) { (type, named) throws(ConfigError) in
            let metric = try type.init(reading: &named.reader, name: named.writtenName ?? type.names[0])
            let own = type.kerasArguments
            try named.reader.accept((own.contains { $0.name == "dtype" } ? [] : [.dtype]) + own)
            return metric
        }
    }
}
