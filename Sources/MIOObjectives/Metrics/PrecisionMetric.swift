import MIOBase
import MIOConfig

/// The share of right ones among the answers that are yes, 0 without any: `tp ÷ (tp + fp)`.
///
/// A prediction is a yes where it is above the threshold, ½ unless `thresholds` says otherwise; a target other than 0 is one.
/// Every element counts by its sample's weight in `weighted_metrics`, else once.
///
/// - `thresholds`: a number from 0 to 1, or a list of them: then there is a number for each, logged as `precision_0.3`.
/// - `top_k`: only the k largest predictions of a row can be a yes, whatever the threshold, which is none then unless given.
/// - `class_id`: only this unit of each row.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#precision-class
public struct PrecisionMetric: AnswerMetric, Hashable {
    public static let className = "Precision"
    public static let names = ["precision"]
    public static let direction: MetricDirection? = .up

    public let name: String
    /// Which answers count, and what a yes is.
    public let counting: AnswerCounting

    /// Logged as `precision` unless it is named.
    public init(name: String = PrecisionMetric.names[0], counting: AnswerCounting = AnswerCounting()) {
        self.name = name
        self.counting = counting
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.init(name: name, counting: try AnswerCounting(reading: &reader))
    }

    func value(_ answers: ThresholdCounts.Answers) -> Double { answers.precision }
}
