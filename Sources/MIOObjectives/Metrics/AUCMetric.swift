import MIOBase
import MIOConfig
import RealModule

/// The area under a curve of right and wrong answers at many thresholds.
///
/// A prediction is a yes where it is above a threshold, a target other than 0 is one. Predictions are counted between
/// thresholds, as Keras does: the area is that of a curve with `num_thresholds` points, and exact over ranks.
///
///     ROC      recall over the rate of false positives
///     PR       precision over recall; with interpolation as Davis and Goadrich do
///     PRGAIN   precision gain over recall gain (Flach and Kull)
///
/// - `num_thresholds`: 200 unless given: one a little below 0, one a little above 1, the others even between.
/// - `thresholds`: numbers between 0 and 1 in their place.
/// - `summation_method`: how two points are joined: `interpolation` by a line, `minoring` and `majoring` by the lower and the
///   higher of them.
/// - `multi_label`: an area for each unit, and the mean of them.
/// - `num_labels`: how many units there are then.
/// - `label_weights`: a weight for each unit: in the mean with `multi_label`, else of the unit's elements.
/// - `from_logits`: whether predictions are logits, which a sigmoid is taken of.
///
/// Source: https://keras.io/api/metrics/classification_metrics/#auc-class; Davis and Goadrich,
/// https://doi.org/10.1145/1143844.1143874
public struct AUCMetric: Metric, Hashable {
    public static let className = "AUC"
    public static let names = ["auc"]
    public static let direction: MetricDirection? = .up

    /// What the area is under.
    public enum Curve: String, Hashable, Sendable, CaseIterable {
        /// Recall over the rate of false positives.
        case roc = "ROC"
        /// Precision over recall.
        case pr = "PR"
        /// Precision gain over recall gain.
        case prGain = "PRGAIN"
    }

    /// How two points of a curve are joined.
    public enum Summation: String, Hashable, Sendable, CaseIterable {
        /// By a line.
        case interpolation
        /// By the lower of them.
        case minoring
        /// By the higher of them.
        case majoring
    }

    public let name: String
    /// What the area is under.
    public let curve: Curve
    /// How points are joined.
    public let summation: Summation
    /// Whether each unit has a curve of its own.
    public let multiLabel: Bool
    /// A weight for each unit; `nil` for all alike.
    public let labelWeights: [Double]?
    /// Whether predictions are logits.
    public let fromLogits: Bool
    private let givenThresholds: [Double]?
    private let labels: Int?
    private let counts: ThresholdCounts

    /// - Parameters:
    ///   - count: of the thresholds; at least 2.
    ///   - thresholds: between 0 and 1, in the place of even ones.
    public init(
        name: String = AUCMetric.names[0], count: Int = 200, curve: Curve = .roc,
        summation: Summation = .interpolation, thresholds: [Double]? = nil, multiLabel: Bool = false,
        labels: Int? = nil, labelWeights: [Double]? = nil, fromLogits: Bool = false
    ) {
        precondition(count >= 2, "\(count) thresholds")
        self.name = name
        self.curve = curve
        self.summation = summation
        self.multiLabel = multiLabel
        self.labelWeights = labelWeights
        self.fromLogits = fromLogits
        self.labels = labels
        givenThresholds = thresholds
        let between = thresholds ?? (0..<count - 2).map { Double($0 + 1) / Double(count - 1) }
        counts = ThresholdCounts(thresholds: Thresholds(between: between))
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        let count = try reader.integer("num_thresholds", default: 200, atLeast: 2, atMost: 1_000_000)
        let curve = try Self.choice("curve", default: Curve.roc, &reader)
        let summation = try Self.choice("summation_method", default: Summation.interpolation, &reader)
        let thresholds = try Self.numbers(
            "thresholds", expected: "a list of numbers from 0 to 1", in: 0...1, &reader)
        let multiLabel = try reader.boolean("multi_label", default: false)
        let labels = try reader.optionalInteger("num_labels", atLeast: 1)
        if labels != nil, !multiLabel {
            throw reader.error("num_labels", "expected only with multi_label: true; remove it")
        }
        let weights = try Self.numbers(
            "label_weights", expected: "a list of numbers of at least 0", in: 0 ... .infinity, &reader)
        self.init(
            name: name, count: count, curve: curve, summation: summation, thresholds: thresholds,
            multiLabel: multiLabel, labels: labels, labelWeights: weights,
            fromLogits: try reader.boolean("from_logits", default: false))
    }

    /// A word of Keras', in lower case too.
    private static func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
        _ key: String, default fallback: Choice, _ reader: inout ConfigReader
    ) throws(ConfigError) -> Choice where Choice.RawValue == String {
        reader.describe(
            key, Choice.allCases.map(\.rawValue).joined(separator: ", "), default: .string(fallback.rawValue))
        guard let written = try reader.optionalString(key) else { return fallback }
        let match = Choice.allCases.first { $0.rawValue.lowercased() == written.lowercased() }
        guard let match else {
            throw reader.error(key, ConfigReader.unknown(written, valid: Choice.allCases.map(\.rawValue)))
        }
        return match
    }

    private static func numbers(
        _ key: String, expected: String, in range: ClosedRange<Double>, _ reader: inout ConfigReader
    ) throws(ConfigError) -> [Double]? {
        guard let value = try reader.optionalValue(key, expected: expected) else { return nil }
        guard case .list(let entries) = value else {
            throw reader.error(key, "expected \(expected), found \(value.summary)")
        }
        var numbers: [Double] = []
        for entry in entries {
            switch entry {
            case .real(let number) where range.contains(number): numbers.append(number)
            case .integer(let number) where range.contains(Double(number)): numbers.append(Double(number))
            default: throw reader.error(key, "expected \(expected), found \(entry.summary) in it")
            }
        }
        return numbers
    }

    public var config: ConfigValue {
        var entries: ConfigDictionary = [
            "class": .string(Self.className), "name": .string(name), "num_thresholds": .integer(counts.count),
            "curve": .string(curve.rawValue), "summation_method": .string(summation.rawValue),
            "multi_label": .boolean(multiLabel), "from_logits": .boolean(fromLogits),
        ]
        if let givenThresholds { entries["thresholds"] = .list(givenThresholds.map(ConfigValue.real)) }
        if let labels { entries["num_labels"] = .integer(labels) }
        if let labelWeights { entries["label_weights"] = .list(labelWeights.map(ConfigValue.real)) }
        return .dictionary(entries)
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
        for (key, count) in [("num_labels", labels), ("label_weights", labelWeights?.count)] {
            guard let count, count != prediction.last else { continue }
            throw MetricShapeError(
                metric: name, prediction: prediction,
                reason: "expected \(key) of its \(prediction.last) units, found \(count)")
        }
    }

    public func sumCount(prediction: Shape) -> Int {
        counts.sumCount * (multiLabel ? prediction.last : 1)
    }

    public func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) {
        call.forEachElement { place, prediction, target, weight in
            // In 32 bits, so that what is equal stays equal.
            let prediction = fromLogits ? 1 / (1 + Float.exp(-prediction)) : prediction
            let labelWeight = multiLabel ? 1 : labelWeights.map { $0[place] } ?? 1
            counts.add(
                prediction: prediction, target: target, weight: weight * labelWeight,
                to: multiLabel ? sums + place * counts.sumCount : sums)
        }
    }

    public func write(
        _ sums: UnsafePointer<Double>, prediction: Shape, to values: UnsafeMutablePointer<Double>
    ) {
        guard multiLabel else {
            values[0] = area(sums)
            return
        }
        var (sum, weights) = (0.0, 0.0)
        for label in 0..<prediction.last {
            let weight = labelWeights.map { $0[label] } ?? 1
            sum += weight * area(sums + label * counts.sumCount)
            weights += weight
        }
        values[0] = weights == 0 ? 0 : sum / weights
    }

    private func area(_ sums: UnsafePointer<Double>) -> Double {
        var area = 0.0
        var before: ThresholdCounts.Answers?
        counts.forEachThreshold(sums) { _, answers in
            // Thresholds come from the highest down: `before` is Keras' next one.
            if let before { area += piece(answers, next: before) }
            before = answers
        }
        return area
    }

    private func piece(_ here: ThresholdCounts.Answers, next: ThresholdCounts.Answers) -> Double {
        if curve == .pr, summation == .interpolation { return interpolatedPiece(here, next) }
        let (a, b) = (point(here), point(next))
        let height =
            switch summation {
            case .interpolation: (a.y + b.y) / 2
            case .minoring: min(a.y, b.y)
            case .majoring: max(a.y, b.y)
            }
        return (a.x - b.x) * height
    }

    private func point(_ answers: ThresholdCounts.Answers) -> (x: Double, y: Double) {
        switch curve {
        case .roc: return (answers.falsePositiveRate, answers.recall)
        case .pr: return (answers.recall, answers.precision)
        case .prGain:
            guard answers.truePositives != 0 else { return (0, 1) }
            let negatives = answers.trueNegatives + answers.falsePositives
            let ratio =
                negatives == 0 ? 0 : (answers.truePositives + answers.falseNegatives) / negatives
            return (
                max(1 - ratio * (answers.falseNegatives / answers.truePositives), 0),
                1 - ratio * (answers.falsePositives / answers.truePositives)
            )
        }
    }

    /// Between two points true positives grow on a line with the answers that are yes, precision does not.
    private func interpolatedPiece(_ here: ThresholdCounts.Answers, _ next: ThresholdCounts.Answers) -> Double
    {
        let found = here.truePositives - next.truePositives
        let (answers, fewer) = (
            here.truePositives + here.falsePositives, next.truePositives + next.falsePositives
        )
        let more = max(answers - fewer, 0)
        let slope = more == 0 ? 0 : found / more
        let intercept = next.truePositives - slope * fewer
        let ratio = answers > 0 && fewer > 0 ? answers / fewer : 1
        let positives = next.truePositives + next.falseNegatives
        return positives == 0 ? 0 : slope * (found + intercept * Double.log(ratio)) / positives
    }
}
