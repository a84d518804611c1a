import MIOBase
import MIOConfig

/// The share of the positives that are found, 0 without any: `tp ÷ (tp + fn)`.
///
/// A prediction is a yes where it is above the threshold, ½ unless `thresholds` says otherwise; a target other than 0 is one.
/// Every element counts by its sample's weight in `weighted_metrics`, else once.
///
/// - `thresholds`: a number from 0 to 1, or a list of them: then there is a number for each, logged as `recall_0.3`.
/// - `top_k`: only the k largest predictions of a row can be a yes, whatever the threshold, which is none then unless given.
/// - `class_id`: only this unit of each row.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#recall-class
public struct RecallMetric: AnswerMetric, Hashable {
    public static let className = "Recall"
    public static let names = ["recall"]
    public static let direction: MetricDirection? = .up

    public let name: String
    /// Which answers count, and what a yes is.
    public let counting: AnswerCounting

    /// Logged as `recall` unless it is named.
    public init(name: String = RecallMetric.names[0], counting: AnswerCounting = AnswerCounting()) {
        self.name = name
        self.counting = counting
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.init(name: name, counting: try AnswerCounting(reading: &reader))
    }

    func value(_ answers: ThresholdCounts.Answers) -> Double { answers.recall }
}
