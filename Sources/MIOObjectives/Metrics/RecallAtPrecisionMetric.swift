import MIOBase
import MIOConfig

/// The best recall at any of `num_thresholds` even thresholds from 0 to 1 at which the precision is at least `precision`; 0 if
/// there is none.
///
///     precision = tp ÷ (tp + fp), recall = tp ÷ (tp + fn)
///
/// - `num_thresholds`: 200 unless given.
/// - `class_id`: only this unit of each row.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#recallatprecision-class
public struct RecallAtPrecisionMetric: CurveMetric, Hashable {
    public static let className = "RecallAtPrecision"
    public static let names = ["recall_at_precision"]
    public static let direction: MetricDirection? = .up

    public let name: String
    /// The least precision; from 0 to 1.
    public let precision: Double
    let points: CurvePoints

    /// - Precondition: `precision` is from 0 to 1, `thresholds` at least 1, `classID` not negative.
    public init(
        name: String = RecallAtPrecisionMetric.names[0], precision: Double, thresholds: Int = 200,
        classID: Int? = nil
    ) {
        precondition((0...1).contains(precision), "precision \(precision)")
        self.name = name
        self.precision = precision
        points = CurvePoints(thresholds: thresholds, classID: classID)
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.name = name
        precision = try reader.real("precision", in: 0...1)
        points = try CurvePoints(reading: &reader)
    }

    public var config: ConfigValue {
        points.config([
            "class": .string(Self.className), "name": .string(name), "precision": .real(precision),
        ])
    }

    func candidate(_ answers: ThresholdCounts.Answers) -> Double? {
        answers.precision >= precision ? answers.recall : nil
    }
}
