import MIOBase
import MIOConfig

/// How many negatives are answered with yes.
///
/// A prediction is a yes where it is above the threshold, ½ unless `thresholds` says otherwise; a target other than 0 is one.
/// Every element counts by its sample's weight in `weighted_metrics`, else once.
///
/// - `thresholds`: a number from 0 to 1, or a list of them: then there is a number for each, logged as `false_positives_0.3`.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#falsepositives-class
public struct FalsePositivesMetric: AnswerMetric, Hashable {
    public static let className = "FalsePositives"
    public static let names = ["false_positives"]

    public let name: String
    /// Which answers count, and what a yes is.
    public let counting: AnswerCounting

    /// Logged as `false_positives` unless it is named.
    public init(name: String = FalsePositivesMetric.names[0], counting: AnswerCounting = AnswerCounting()) {
        self.name = name
        self.counting = counting
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.init(name: name, counting: try AnswerCounting(reading: &reader, choosesUnits: false))
    }

    func value(_ answers: ThresholdCounts.Answers) -> Double { answers.falsePositives }
}
