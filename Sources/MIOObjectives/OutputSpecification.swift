import MIOConfig

/// What an output of the model is trained for: `outputs.<name>` of a job file.
public struct OutputSpecification: Sendable {
    /// The model's output.
    public var name: String
    public var loss: any Loss
    /// What the total loss multiplies this output's loss by; not negative.
    public var weight: Double
    public var metrics: [any Metric]
    /// Metrics in which samples count by their weights (Keras' `weighted_metrics`).
    public var weightedMetrics: [any Metric]
    /// The class label that stands for "no label"; not used for targets other than class indices, where a NaN
    /// does.
    public var missingLabel: Int

    public init(
        _ name: String, loss: any Loss, weight: Double = 1, metrics: [any Metric] = [],
        weightedMetrics: [any Metric] = [], missingLabel: Int = TargetLabelling.defaultMissingLabel
    ) {
        self.name = name
        self.loss = loss
        self.weight = weight
        self.metrics = metrics
        self.weightedMetrics = weightedMetrics
        self.missingLabel = missingLabel
    }

    /// Reads `outputs.<name>` of a job file: `loss`, `weight`, `metrics`, `weighted_metrics`, `missing_label`.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    public init(_ name: String, reading reader: inout ConfigReader) throws(ConfigError) {
        self.name = name
        loss = try LossRegistry.read(reader.required("loss"), at: reader.path.appending("loss"))
        weight = try reader.real("weight", default: 1)
        metrics = try Self.readMetrics("metrics", &reader)
        weightedMetrics = try Self.readMetrics("weighted_metrics", &reader)
        missingLabel = try reader.integer("missing_label", default: TargetLabelling.defaultMissingLabel)
        try reader.finish()
    }

    private static func readMetrics(_ key: String, _ reader: inout ConfigReader) throws(ConfigError)
        -> [any Metric]
    {
        guard let value = reader.value(key) else { return [] }
        let path = reader.path.appending(key)
        guard case .list(let values) = value else { return [try MetricRegistry.read(value, at: path)] }
        var metrics: [any Metric] = []
        for (index, value) in values.enumerated() {
            metrics.append(try MetricRegistry.read(value, at: path.appending(index: index)))
        }
        return metrics
    }

    /// Unweighted metrics, then weighted ones.
    public var allMetrics: [any Metric] { metrics + weightedMetrics }

    /// As `init(_:reading:)` takes it.
    public var config: ConfigDictionary {
        var entries: ConfigDictionary = ["loss": loss.config, "weight": .real(weight)]
        entries["metrics"] = .list(metrics.map(\.config))
        if !weightedMetrics.isEmpty { entries["weighted_metrics"] = .list(weightedMetrics.map(\.config)) }
        if loss.hasClassLabels { entries["missing_label"] = .integer(missingLabel) }
        return entries
    }
}
