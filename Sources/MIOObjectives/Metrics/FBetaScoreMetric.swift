import MIOBase
import MIOConfig

/// The weighted harmonic mean of precision and recall of each class. With ε = 1e-7:
///
///     precision = tp ÷ (tp + fp + ε),  recall = tp ÷ (tp + fn + ε)
///     score = (1 + beta²)·precision·recall ÷ (beta²·precision + recall + ε)
///
/// A prediction is a yes where it is above `threshold`; without one where it is the largest of its row (and not 0). Targets
/// are rows of 0 and 1.
///
/// - `average`: of the classes' scores. `null`: none, a number for each class, logged as `NAME_0`, `NAME_1` …; `micro`: one
///   score of all classes' counts; `macro`: the mean; `weighted`: the mean, by how often each class occurs.
/// - `beta`: how much more recall counts than precision; above 0.
/// - `threshold`: above 0, at most 1.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#fbetascore-class
public struct FBetaScoreMetric: Metric, Hashable {
    public static let className = "FBetaScore"
    public static let names = ["fbeta_score", "f_beta_score"]
    public static let direction: MetricDirection? = .up

    public let name: String
    let score: FScore

    /// - Precondition: `beta` is above 0; `threshold` above 0 and at most 1.
    public init(
        name: String = FBetaScoreMetric.names[0], average: ScoreAverage? = nil, beta: Double = 1,
        threshold: Double? = nil
    ) {
        self.name = name
        score = FScore(average: average, beta: beta, threshold: threshold)
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        let beta = try reader.real("beta", default: 1)
        guard beta > 0, beta.isFinite else {
            throw reader.error("beta", "expected a number above 0, found \(beta)")
        }
        self.name = name
        score = try FScore(reading: &reader, beta: beta)
    }

    public var config: ConfigValue {
        score.config(["class": .string(Self.className), "name": .string(name), "beta": .real(score.beta)])
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

/// How the scores of classes become one.
public enum ScoreAverage: String, Hashable, Sendable, CaseIterable {
    /// One score of all classes' counts.
    case micro
    /// The mean of the classes' scores.
    case macro
    /// The mean of the classes' scores, by how often each class occurs.
    case weighted
}

/// The arithmetic of F-scores. Sums of each class: true positives, false positives, false negatives, Σ target.
struct FScore: Hashable, Sendable {
    /// `nil` for a score for each class.
    let average: ScoreAverage?
    let beta: Double
    let threshold: Double?

    init(average: ScoreAverage?, beta: Double, threshold: Double?) {
        precondition(beta > 0 && beta.isFinite, "beta \(beta) is not above 0")
        precondition(threshold.map { $0 > 0 && $0 <= 1 } ?? true, "threshold \(threshold ?? 0)")
        self.average = average
        self.beta = beta
        self.threshold = threshold
    }

    init(reading reader: inout ConfigReader, beta: Double) throws(ConfigError) {
        let words = ScoreAverage.allCases.map(\.rawValue)
        reader.describe("average", words.joined(separator: ", ") + ", or null")
        var average: ScoreAverage?
        if let word = try reader.optionalString("average") {
            average = ScoreAverage(rawValue: word)
            guard average != nil else {
                throw reader.error("average", ConfigReader.unknown(word, valid: words))
            }
        }
        let threshold = try reader.optionalReal("threshold")
        if let threshold, !(threshold > 0 && threshold <= 1) {
            throw reader.error("threshold", "expected a number above 0 and at most 1, found \(threshold)")
        }
        self.init(average: average, beta: beta, threshold: threshold)
    }

    func config(_ entries: ConfigDictionary) -> ConfigValue {
        var entries = entries
        if let average { entries["average"] = .string(average.rawValue) }
        if let threshold { entries["threshold"] = .real(threshold) }
        return .dictionary(entries)
    }

    private func classes(_ prediction: Shape) -> Int { average == .micro ? 1 : prediction.last }

    func sumCount(_ prediction: Shape) -> Int { 4 * classes(prediction) }

    func valueNames(_ name: String, _ prediction: Shape) -> [String] {
        average != nil || prediction.last == 1 ? [name] : (0..<prediction.last).map { "\(name)_\($0)" }
    }

    /// A prediction so small is none (Keras): of a row of zeros no class is predicted.
    private static let least: Float = 1e-9

    func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) {
        let width = call.width
        for position in 0..<call.positions where call.labelled[position] != LabelMark.none {
            let row = call.predictions + position * width
            let weight = call.weights.map { Double($0[position]) } ?? 1
            var limit = Float(threshold ?? 0)
            if threshold == nil {
                limit = row[0]
                for place in 0..<width { limit = max(limit, row[place]) }
            }
            for place in 0..<width {
                let label = call.targets[position * width + place]
                guard isLabel(label, missing: call.missing) else { continue }
                let isYes =
                    threshold == nil
                    ? row[place] >= limit && abs(row[place]) > Self.least : row[place] > limit
                let (yes, target) = (isYes ? 1.0 : 0, Double(label))
                let own = average == .micro ? sums : sums + 4 * place
                own[0] += weight * yes * target
                own[1] += weight * yes * (1 - target)
                own[2] += weight * (1 - yes) * target
                own[3] += weight * target
            }
        }
    }

    func write(
        _ sums: UnsafePointer<Double>, _ prediction: Shape, to values: UnsafeMutablePointer<Double>
    ) {
        let classes = classes(prediction)
        guard let average else {
            for index in 0..<classes { values[index] = score(sums + 4 * index) }
            return
        }
        var (sum, occurrences) = (0.0, 0.0)
        for index in 0..<classes { occurrences += sums[4 * index + 3] }
        for index in 0..<classes {
            let own = sums + 4 * index
            sum += score(own) * (average == .weighted ? own[3] / (occurrences + probabilityEpsilon) : 1)
        }
        values[0] = average == .weighted ? sum : sum / Double(classes)
    }

    private func score(_ sums: UnsafePointer<Double>) -> Double {
        let precision = sums[0] / (sums[0] + sums[1] + probabilityEpsilon)
        let recall = sums[0] / (sums[0] + sums[2] + probabilityEpsilon)
        let square = beta * beta
        return precision * recall / (square * precision + recall + probabilityEpsilon) * (1 + square)
    }
}
