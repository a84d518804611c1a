import MIOBase
import MIOConfig

/// The harmonic mean of precision and recall of each class: `fbeta_score` with a beta of 1, which see for the arguments.
///
/// - `average`: `null` for a number for each class, logged as `f1_score_0`, `f1_score_1` …; `micro`, `macro`, `weighted`.
/// - `threshold`: above which a prediction is a yes; without one the largest of its row is.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#f1score-class
public struct F1ScoreMetric: Metric, Hashable {
    public static let className = "F1Score"
    public static let names = ["f1_score"]
    public static let direction: MetricDirection? = .up

    public let name: String
    private let score: FScore

    /// - Precondition: `threshold` is above 0 and at most 1.
    public init(
        name: String = F1ScoreMetric.names[0], average: ScoreAverage? = nil, threshold: Double? = nil
    ) {
        self.name = name
        score = FScore(average: average, beta: 1, threshold: threshold)
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.name = name
        score = try FScore(reading: &reader, beta: 1)
    }

    public var config: ConfigValue {
        score.config(["class": .string(Self.className), "name": .string(name)])
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func sumCount(prediction: Shape) -> Int { score.sumCount(prediction) }
    public func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) { score.add(call, to: sums) }
    public func valueNames(prediction: Shape) -> [String] { score.valueNames(name, prediction) }

    public func write(
        _ sums: UnsafePointer<Double>, prediction: Shape, to values: UnsafeMutablePointer<Double>
    ) {
        score.write(sums, prediction, to: values)
    }
}
