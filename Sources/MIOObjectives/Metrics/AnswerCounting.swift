import MIOBase
import MIOConfig

/// Which answers a metric of right and wrong answers looks at, and above which thresholds a prediction is a yes.
///
/// - `thresholds`: a number from 0 to 1, or a list of them: then there is a number for each, logged as `name_0.3`.
/// - `top_k`: only the k largest predictions of a row can be a yes; of equal ones the first.
/// - `class_id`: only this unit of each row.
public struct AnswerCounting: Hashable, Sendable {
    /// As given; `nil` for ½, or with `topK` for any.
    public let thresholds: [Double]?
    /// Only the k largest of a row.
    public let topK: Int?
    /// Only this unit.
    public let classID: Int?
    let counts: ThresholdCounts

    /// - Precondition: thresholds are from 0 to 1, `topK` is at least 1, `classID` not negative.
    public init(thresholds: [Double]? = nil, topK: Int? = nil, classID: Int? = nil) {
        precondition(
            thresholds.map { !$0.isEmpty && $0.allSatisfy { (0...1).contains($0) } } ?? true,
            "thresholds \(thresholds ?? [])")
        precondition(topK ?? 1 >= 1 && classID ?? 0 >= 0, "\(topK ?? 1), \(classID ?? 0)")
        self.thresholds = thresholds
        self.topK = topK
        self.classID = classID
        counts = ThresholdCounts(
            thresholds: Thresholds(thresholds ?? [topK == nil ? 0.5 : Double(Self.excluded)]))
    }

    /// What stands for a prediction that is not among the k largest (Keras' `NEG_INF`).
    private static let excluded: Float = -1e10

    /// - Parameter choosesUnits: whether there are `top_k` and `class_id`.
    init(reading reader: inout ConfigReader, choosesUnits: Bool = true) throws(ConfigError) {
        let expected = "a number from 0 to 1, or a list of them"
        var thresholds: [Double]?
        if let value = try reader.optionalValue("thresholds", expected: expected) {
            let entries: [ConfigValue]
            if case .list(let list) = value { entries = list } else { entries = [value] }
            var numbers: [Double] = []
            for entry in entries {
                switch entry {
                case .real(let number) where (0...1).contains(number): numbers.append(number)
                case .integer(let number) where (0...1).contains(number): numbers.append(Double(number))
                default: throw reader.error("thresholds", "expected \(expected), found \(entry.summary)")
                }
            }
            guard !numbers.isEmpty else {
                throw reader.error("thresholds", "expected \(expected), found an empty list")
            }
            thresholds = numbers
        }
        self.init(
            thresholds: thresholds,
            topK: choosesUnits ? try reader.optionalInteger("top_k", atLeast: 1) : nil,
            classID: choosesUnits ? try reader.optionalInteger("class_id", atLeast: 0) : nil)
    }

    func config(className: String, name: String) -> ConfigValue {
        var entries: ConfigDictionary = ["class": .string(className), "name": .string(name)]
        if let thresholds {
            entries["thresholds"] =
                thresholds.count == 1 ? .real(thresholds[0]) : .list(thresholds.map(ConfigValue.real))
        }
        if let topK { entries["top_k"] = .integer(topK) }
        if let classID { entries["class_id"] = .integer(classID) }
        return .dictionary(entries)
    }

    func check(_ metric: some Metric, _ prediction: Shape, _ targetKind: TargetKind) throws(MetricShapeError)
    {
        try metric.requireElements(prediction, targetKind)
        guard let classID, classID >= prediction.last else { return }
        throw MetricShapeError(
            metric: metric.name, prediction: prediction,
            reason: "expected a class_id below its \(prediction.last) units, found \(classID)")
    }

    func valueNames(_ name: String) -> [String] {
        guard let thresholds, thresholds.count > 1 else { return [name] }
        return thresholds.sorted().map { "\(name)_\(shortText($0))" }
    }

    func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) {
        guard topK != nil || classID != nil else {
            return call.forEachElement { _, prediction, target, weight in
                counts.add(prediction: prediction, target: target, weight: weight, to: sums)
            }
        }
        for position in 0..<call.positions where call.labelled[position] != LabelMark.none {
            let row = call.predictions + position * call.width
            let weight = call.weights.map { Double($0[position]) } ?? 1
            for place in classID.map({ $0..<$0 + 1 }) ?? 0..<call.width {
                let target = call.targets[position * call.width + place]
                guard isLabel(target, missing: call.missing) else { continue }
                let isIn = topK.map { isInTop($0, row, width: call.width, place) } ?? true
                counts.add(
                    prediction: isIn ? row[place] : Self.excluded, target: target, weight: weight, to: sums)
            }
        }
    }

    /// Whether fewer than k come before a prediction: larger ones, and equal ones before it.
    private func isInTop(_ k: Int, _ row: UnsafePointer<Float>, width: Int, _ place: Int) -> Bool {
        var before = 0
        for other in 0..<width where row[other] > row[place] || other < place && row[other] == row[place] {
            before += 1
        }
        return before < k
    }
}

/// A metric of the answers that are right and wrong at a threshold: a number for each threshold.
protocol AnswerMetric: Metric {
    var counting: AnswerCounting { get }
    /// The number of a threshold.
    func value(_ answers: ThresholdCounts.Answers) -> Double
}

extension AnswerMetric {
    public var config: ConfigValue { counting.config(className: Self.className, name: name) }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try counting.check(self, prediction, targetKind)
    }

    public func sumCount(prediction: Shape) -> Int { counting.counts.sumCount }

    public func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) {
        counting.add(call, to: sums)
    }

    public func valueNames(prediction: Shape) -> [String] { counting.valueNames(name) }

    public func write(
        _ sums: UnsafePointer<Double>, prediction: Shape, to values: UnsafeMutablePointer<Double>
    ) {
        counting.counts.forEachThreshold(sums) { values[$0] = value($1) }
    }
}
