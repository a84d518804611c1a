import MIOBase
import MIOConfig

/// The best precision at any of `num_thresholds` even thresholds from 0 to 1 at which the recall is at least `recall`; 0 if
/// there is none.
///
///     precision = tp ÷ (tp + fp), recall = tp ÷ (tp + fn)
///
/// - `num_thresholds`: 200 unless given.
/// - `class_id`: only this unit of each row.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#precisionatrecall-class
public struct PrecisionAtRecallMetric: CurveMetric, Hashable {
    public static let className = "PrecisionAtRecall"
    public static let names = ["precision_at_recall"]
    public static let direction: MetricDirection? = .up

    public let name: String
    /// The least recall; from 0 to 1.
    public let recall: Double
    let points: CurvePoints

    /// - Precondition: `recall` is from 0 to 1, `thresholds` at least 1, `classID` not negative.
    public init(
        name: String = PrecisionAtRecallMetric.names[0], recall: Double, thresholds: Int = 200,
        classID: Int? = nil
    ) {
        precondition((0...1).contains(recall), "recall \(recall)")
        self.name = name
        self.recall = recall
        points = CurvePoints(thresholds: thresholds, classID: classID)
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.name = name
        recall = try reader.real("recall", in: 0...1)
        points = try CurvePoints(reading: &reader)
    }

    public var config: ConfigValue {
        points.config(["class": .string(Self.className), "name": .string(name), "recall": .real(recall)])
    }

    func candidate(_ answers: ThresholdCounts.Answers) -> Double? {
        answers.recall >= recall ? answers.precision : nil
    }
}
