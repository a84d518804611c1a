import MIOBase
import MIOConfig

/// The best specificity at any of `num_thresholds` even thresholds from 0 to 1 at which the sensitivity is at least `sensitivity`; 0 if
/// there is none.
///
///     sensitivity = tp ÷ (tp + fn), specificity = tn ÷ (tn + fp)
///
/// - `num_thresholds`: 200 unless given.
/// - `class_id`: only this unit of each row.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#specificityatsensitivity-class
public struct SpecificityAtSensitivityMetric: CurveMetric, Hashable {
    public static let className = "SpecificityAtSensitivity"
    public static let names = ["specificity_at_sensitivity"]
    public static let direction: MetricDirection? = .up

    public let name: String
    /// The least sensitivity; from 0 to 1.
    public let sensitivity: Double
    let points: CurvePoints

    /// - Precondition: `sensitivity` is from 0 to 1, `thresholds` at least 1, `classID` not negative.
    public init(
        name: String = SpecificityAtSensitivityMetric.names[0], sensitivity: Double, thresholds: Int = 200,
        classID: Int? = nil
    ) {
        precondition((0...1).contains(sensitivity), "sensitivity \(sensitivity)")
        self.name = name
        self.sensitivity = sensitivity
        points = CurvePoints(thresholds: thresholds, classID: classID)
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.name = name
        sensitivity = try reader.real("sensitivity", in: 0...1)
        points = try CurvePoints(reading: &reader)
    }

    public var config: ConfigValue {
        points.config([
            "class": .string(Self.className), "name": .string(name), "sensitivity": .real(sensitivity),
        ])
    }

    func candidate(_ answers: ThresholdCounts.Answers) -> Double? {
        answers.recall >= sensitivity ? answers.specificity : nil
    }
}
