import MIOBase
import MIOConfig
import MIOOptimizers

/// What an output of the model is trained for: `outputs.<name>` of a job file.
public struct OutputSpecification: Sendable {
    /// The model's output.
    public var name: String
    /// What training makes small.
    public var loss: any Loss
    /// What the total loss multiplies this output's loss by; not negative. With a schedule that of the first step.
    public var weight: Double
    /// Moves the weight from step to step; `nil` if it stays.
    public var weightSchedule: (any Schedule)?
    /// Metrics in which all samples count alike.
    public var metrics: [any Metric]
    /// Metrics in which samples count by their weights (Keras' `weighted_metrics`).
    public var weightedMetrics: [any Metric]
    /// The class label that stands for "no label", as NaN always does: −1 unless another one is set. Only for losses of
    /// class labels: class indices, and the 0 or 1 of a binary crossentropy.
    public var missingLabel: Int?
    /// The number that stands for "no label", as NaN always does: −200 of a sensor that was off. Only for losses of
    /// numbers; a class label has `missingLabel`.
    public var missingValue: Double?
    /// The names of the classes: what texts of a CSV file mean, and what predictions are called.
    public var classes: ClassNames?
    /// What samples of each class count in training; `nil` for all alike.
    public var classWeights: ClassWeights?

    /// What stands for a missing class label where nothing else is said.
    public static let defaultMissingLabel = -1

    /// As an entry of `outputs` of a job, with its defaults.
    public init(
        _ name: String, loss: any Loss, weight: Double = 1, metrics: [any Metric] = [],
        weightedMetrics: [any Metric] = [], missingLabel: Int? = nil, missingValue: Double? = nil,
        classes: ClassNames? = nil, classWeights: ClassWeights? = nil, weightSchedule: (any Schedule)? = nil
    ) {
        self.classWeights = classWeights
        self.weightSchedule = weightSchedule
        self.classes = classes
        self.name = name
        self.loss = loss
        self.weight = weightSchedule?.value(at: 0) ?? weight
        self.metrics = metrics
        self.weightedMetrics = weightedMetrics
        self.missingLabel = missingLabel ?? loss.ignoreClass
        self.missingValue = missingValue
    }

    /// Reads `outputs.<name>` of a job file: `loss`, `weight`, `metrics`, `weighted_metrics`, `missing_label`,
    /// `missing_value`, `classes`, `class_weight`.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    public init(_ name: String, reading reader: inout ConfigReader) throws(ConfigError) {
        self.name = name
        reader.describe("loss", "a loss")
        loss = try LossRegistry.read(reader.required("loss"), at: reader.path.appending("loss"))
        reader.describe("weight", "a number or a schedule", default: 1.0)
        if let value = reader.value("weight"), case .dictionary = value {
            let schedule = try ScheduleRegistry.read(value, at: reader.path.appending("weight"))
            weightSchedule = schedule
            weight = schedule.value(at: 0)
        } else {
            weight = try reader.real("weight", default: 1)
        }
        for key in ["metrics", "weighted_metrics"] { reader.describe(key, "metrics", default: []) }
        metrics = try Self.readMetrics("metrics", &reader)
        weightedMetrics = try Self.readMetrics("weighted_metrics", &reader)
        missingLabel = try reader.optionalInteger("missing_label") ?? loss.ignoreClass
        missingValue = try reader.optionalReal("missing_value")
        reader.describe("classes", "a list of texts, or appearance")
        classes = try ClassNames("classes", reading: &reader)
        classWeights = try ClassWeights("class_weight", reading: &reader)
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

    /// What the total loss multiplies this output's loss by in a step.
    /// - Parameter step: how many steps were done before.
    package func weight(at step: Int) -> Double { weightSchedule?.value(at: step) ?? weight }

    /// How many sums each of `allMetrics` has.
    package func metricSumCounts(prediction: Shape) -> [Int] {
        allMetrics.map { $0.sumCount(prediction: prediction) }
    }

    /// Unweighted metrics, then weighted ones.
    public var allMetrics: [any Metric] { metrics + weightedMetrics }

    /// As `init(_:reading:)` takes it.
    public var config: ConfigDictionary {
        var entries: ConfigDictionary = [
            "loss": loss.config, "weight": weightSchedule?.config ?? .real(weight),
        ]
        entries["metrics"] = .list(metrics.map(\.config))
        if !weightedMetrics.isEmpty { entries["weighted_metrics"] = .list(weightedMetrics.map(\.config)) }
        if loss.hasClassLabels {
            entries["missing_label"] = .integer(missingLabel ?? Self.defaultMissingLabel)
        } else if let missingValue {
            entries["missing_value"] = .real(missingValue)
        }
        if let classes { entries["classes"] = classes.config }
        if let classWeights { entries["class_weight"] = classWeights.config }
        return entries
    }

    /// Which of its targets are labels.
    package var targetLabelling: TargetLabelling {
        let label = loss.hasClassLabels ? Double(missingLabel ?? Self.defaultMissingLabel) : nil
        return TargetLabelling(
            loss.targetKind, missing: (label ?? missingValue).map { Float($0) },
            isElementwise: loss.isElementwise)
    }
}
