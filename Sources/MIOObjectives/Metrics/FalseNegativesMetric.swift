import MIOBase
import MIOConfig

/// How many positives are answered with no.
///
/// A prediction is a yes where it is above the threshold, ½ unless `thresholds` says otherwise; a target other than 0 is one.
/// Every element counts by its sample's weight in `weighted_metrics`, else once.
///
/// - `thresholds`: a number from 0 to 1, or a list of them: then there is a number for each, logged as `false_negatives_0.3`.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#falsenegatives-class
public struct FalseNegativesMetric: AnswerMetric, Hashable {
    public static let className = "FalseNegatives"
    public static let names = ["false_negatives"]

    public let name: String
    /// Which answers count, and what a yes is.
    public let counting: AnswerCounting

    /// Logged as `false_negatives` unless it is named.
    public init(name: String = FalseNegativesMetric.names[0], counting: AnswerCounting = AnswerCounting()) {
        self.name = name
        self.counting = counting
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.init(name: name, counting: try AnswerCounting(reading: &reader, choosesUnits: false))
    }

    func value(_ answers: ThresholdCounts.Answers) -> Double { answers.falseNegatives }
}
