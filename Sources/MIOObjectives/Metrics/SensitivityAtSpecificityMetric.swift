import MIOBase
import MIOConfig

/// The best sensitivity at any of `num_thresholds` even thresholds from 0 to 1 at which the specificity is at least `specificity`; 0 if
/// there is none.
///
///     sensitivity = tp ÷ (tp + fn), specificity = tn ÷ (tn + fp)
///
/// - `num_thresholds`: 200 unless given.
/// - `class_id`: only this unit of each row.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#sensitivityatspecificity-class
public struct SensitivityAtSpecificityMetric: CurveMetric, Hashable {
    public static let className = "SensitivityAtSpecificity"
    public static let names = ["sensitivity_at_specificity"]
    public static let direction: MetricDirection? = .up

    public let name: String
    /// The least specificity; from 0 to 1.
    public let specificity: Double
    let points: CurvePoints

    /// - Precondition: `specificity` is from 0 to 1, `thresholds` at least 1, `classID` not negative.
    public init(
        name: String = SensitivityAtSpecificityMetric.names[0], specificity: Double, thresholds: Int = 200,
        classID: Int? = nil
    ) {
        precondition((0...1).contains(specificity), "specificity \(specificity)")
        self.name = name
        self.specificity = specificity
        points = CurvePoints(thresholds: thresholds, classID: classID)
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.name = name
        specificity = try reader.real("specificity", in: 0...1)
        points = try CurvePoints(reading: &reader)
    }

    public var config: ConfigValue {
        points.config([
            "class": .string(Self.className), "name": .string(name), "specificity": .real(specificity),
        ])
    }

    func candidate(_ answers: ThresholdCounts.Answers) -> Double? {
        answers.specificity >= specificity ? answers.recall : nil
    }
}
