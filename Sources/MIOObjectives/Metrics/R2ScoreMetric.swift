import MIOBase
import MIOConfig

/// The part of the targets' variance that predictions explain (the coefficient of determination). Of each unit, with sums over
/// its labelled elements:
///
///     score = 1 − Σ (target − prediction)² ÷ (Σ target² − (Σ target)² ÷ count), 0 where that is infinite
///
/// - `class_aggregation`: `uniform_average`: the mean of the units; `variance_weighted_average`: by their variances; `null`: a
///   number for each unit, logged as `r2_score_0`, `r2_score_1` …
/// - `num_regressors`: p above 0 adjusts the score for p inputs: `1 − (1 − score)·(n − 1) ÷ (n − p − 1)`, where n is the number
///   of elements, as in Keras, if it is large enough.
///
/// Source: https://keras.io/api/metrics/regression_metrics/#r2score-class
public struct R2ScoreMetric: Metric, Hashable {
    public static let className = "R2Score"
    public static let names = ["r2_score"]
    public static let direction: MetricDirection? = .up

    /// How the scores of units become one.
    public enum Aggregation: String, Hashable, Sendable, CaseIterable {
        /// Their mean.
        case uniform = "uniform_average"
        /// Their mean by the units' variances.
        case varianceWeighted = "variance_weighted_average"
    }

    public let name: String
    /// `nil` for a score for each unit.
    public let aggregation: Aggregation?
    /// Inputs that the score is adjusted for; 0 for none.
    public let regressors: Int

    /// - Precondition: `regressors` is not negative.
    public init(
        name: String = R2ScoreMetric.names[0], aggregation: Aggregation? = .uniform, regressors: Int = 0
    ) {
        precondition(regressors >= 0, "\(regressors) regressors")
        self.name = name
        self.aggregation = aggregation
        self.regressors = regressors
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        let words = Aggregation.allCases.map(\.rawValue)
        reader.describe(
            "class_aggregation", words.joined(separator: ", ") + ", or null",
            default: .string(Aggregation.uniform.rawValue))
        var aggregation: Aggregation? = reader.isNull("class_aggregation") ? nil : .uniform
        if let word = reader.value("class_aggregation") {
            guard case .string(let text) = word, let known = Aggregation(rawValue: text) else {
                throw reader.error(
                    "class_aggregation",
                    "expected " + words.joined(separator: ", ") + ", or null, found \(word.summary)")
            }
            aggregation = known
        }
        self.init(
            name: name, aggregation: aggregation,
            regressors: try reader.integer("num_regressors", default: 0, atLeast: 0))
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "name": .string(name),
            "class_aggregation": aggregation.map { .string($0.rawValue) } ?? .null,
            "num_regressors": .integer(regressors),
        ])
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    /// Of each unit Σ target, Σ target², Σ error² and Σ weight; last how many elements there are.
    public func sumCount(prediction: Shape) -> Int { 4 * prediction.last + 1 }

    public func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) {
        let elements = sums + 4 * call.width
        call.forEachElement { place, prediction, target, weight in
            let own = sums + 4 * place
            let (target, error) = (Double(target), Double(target) - Double(prediction))
            own[0] += weight * target
            own[1] += weight * target * target
            own[2] += weight * error * error
            own[3] += weight
            elements[0] += 1
        }
    }

    public func valueNames(prediction: Shape) -> [String] {
        aggregation != nil || prediction.last == 1
            ? [name] : (0..<prediction.last).map { "\(name)_\($0)" }
    }

    public func write(
        _ sums: UnsafePointer<Double>, prediction: Shape, to values: UnsafeMutablePointer<Double>
    ) {
        let width = prediction.last
        let elements = sums[4 * width]
        var (weighted, weights) = (0.0, 0.0)
        for place in 0..<width {
            let own = sums + 4 * place
            let variance = own[1] - own[0] * (own[0] / own[3])
            // Nothing was counted, or everything is the same: no variance to explain.
            let raw = 1 - own[2] / variance
            let score = raw.isFinite ? raw : 0
            guard let aggregation else {
                values[place] = adjusted(score, elements)
                continue
            }
            let weight = aggregation == .uniform ? 1 : variance.isFinite ? variance : 0
            weighted += weight * score
            weights += weight
        }
        if aggregation != nil { values[0] = weights == 0 ? 0 : adjusted(weighted / weights, elements) }
    }

    private func adjusted(_ score: Double, _ count: Double) -> Double {
        guard regressors > 0, Double(regressors) < count - 1 else { return score }
        return 1 - (1 - score) * (count - 1) / (count - Double(regressors) - 1)
    }
}
