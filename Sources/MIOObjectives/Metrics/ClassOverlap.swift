import MIOBase
import MIOConfig

/// How predicted and true classes overlap. Sums of each class: how often it is both predicted and true, how often predicted,
/// how often true.
///
///     IoU of a class = both ÷ (predicted + true − both + ε), ε = 1e-7
///     result = Σ IoU ÷ (how many are counted + ε), over the classes that are asked for and occur at all
struct ClassOverlap: Hashable, Sendable {
    let classes: Int
    let targets: [Int]
    let ignored: Int?
    /// Whether targets and predictions are class indices; else the first of the largest of a row is the class.
    let sparseTargets, sparsePredictions: Bool

    /// What Keras' classes share: `num_classes`, `ignore_class`, and which are class indices.
    init(
        reading reader: inout ConfigReader, targetClassIDs: Bool, sparseTargets: Bool?,
        sparsePredictions: Bool
    ) throws(ConfigError) {
        classes = try reader.integer("num_classes", atLeast: 1, atMost: 1_000_000)
        if targetClassIDs {
            targets = try Self.classIDs(try reader.integerList("target_class_ids"), below: classes, reader)
        } else {
            targets = Array(0..<classes)
        }
        ignored = try reader.optionalInteger("ignore_class")
        if let sparseTargets {
            self.sparseTargets = sparseTargets
        } else {
            self.sparseTargets = try reader.boolean("sparse_y_true", default: true)
        }
        self.sparsePredictions = try reader.boolean("sparse_y_pred", default: sparsePredictions)
    }

    init(
        classes: Int, targets: [Int], ignored: Int? = nil, sparseTargets: Bool, sparsePredictions: Bool
    ) {
        precondition(
            classes >= 1 && !targets.isEmpty && targets.allSatisfy { 0..<classes ~= $0 },
            "\(targets) of \(classes) classes")
        self.classes = classes
        self.targets = targets
        self.ignored = ignored
        self.sparseTargets = sparseTargets
        self.sparsePredictions = sparsePredictions
    }

    static func classIDs(_ ids: [Int], below classes: Int, _ reader: ConfigReader) throws(ConfigError)
        -> [Int]
    {
        guard !ids.isEmpty, let wrong = ids.first(where: { !(0..<classes ~= $0) }) else {
            guard ids.isEmpty else { return ids }
            throw reader.error("target_class_ids", "expected at least one class")
        }
        throw reader.error(
            "target_class_ids", "expected classes from 0 to \(classes - 1), found \(wrong)")
    }

    func config(_ entries: ConfigDictionary, targetClassIDs: Bool, sparseTargets writesTargets: Bool)
        -> ConfigValue
    {
        var entries = entries
        entries["num_classes"] = .integer(classes)
        if targetClassIDs { entries["target_class_ids"] = .list(targets.map(ConfigValue.integer)) }
        if let ignored { entries["ignore_class"] = .integer(ignored) }
        if writesTargets { entries["sparse_y_true"] = .boolean(sparseTargets) }
        entries["sparse_y_pred"] = .boolean(sparsePredictions)
        return .dictionary(entries)
    }

    func check(_ metric: some Metric, _ prediction: Shape, _ targetKind: TargetKind) throws(MetricShapeError)
    {
        func refusal(_ reason: String) -> MetricShapeError {
            MetricShapeError(metric: metric.name, prediction: prediction, reason: reason)
        }
        switch (sparseTargets, sparsePredictions) {
        case (true, true):
            guard !targetKind.isSingle || prediction.last == 1 else {
                throw refusal(
                    "it expects a class index in every element of predictions; predictions are a score for each "
                        + "class: set sparse_y_pred: false")
            }
        case (true, false):
            guard targetKind == .classIndex else {
                throw refusal(
                    "it expects class indices as targets, and the output's loss takes rows; set sparse_y_true: "
                        + "false, or use one_hot_io_u")
            }
        case (false, false):
            guard !targetKind.isSingle else {
                throw refusal(
                    "it expects one-hot targets, and these are one number a row; use io_u with sparse_y_pred: "
                        + "false")
            }
        case (false, true):
            throw refusal("it expects a score for each class; set sparse_y_pred: false")
        }
        guard sparsePredictions || prediction.last <= classes else {
            throw refusal("expected num_classes of at least its \(prediction.last) units, found \(classes)")
        }
    }

    var sumCount: Int { 3 * classes }

    func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) {
        if sparsePredictions {
            return call.forEachElement { _, prediction, target, weight in
                add(Self.index(prediction), Self.index(target), weight, sums)
            }
        }
        let width = call.width
        call.forEachWholeRow { position, weight in
            let offset = position * width
            let predicted = VectorRanking.firstLargest(call.predictions + offset, width: width)
            let target =
                sparseTargets
                ? Self.index(call.targets[position])
                : VectorRanking.firstLargest(call.targets + offset, width: width)
            add(predicted, target, weight, sums)
        }
    }

    /// A number as a class: its whole part, as a conversion to an integer has it; −1 for what is none.
    @inline(__always)
    static func index(_ number: Float) -> Int {
        number > -1 && number < Float(Int32.max) ? Int(number) : -1
    }

    @inline(__always)
    func add(_ predicted: Int, _ target: Int, _ weight: Double, _ sums: UnsafeMutablePointer<Double>) {
        guard 0..<classes ~= predicted, 0..<classes ~= target, target != ignored else { return }
        if predicted == target { sums[target] += weight }
        sums[classes + predicted] += weight
        sums[2 * classes + target] += weight
    }

    func value(_ sums: UnsafePointer<Double>) -> Double {
        var (sum, count) = (0.0, 0.0)
        for index in targets {
            let union = sums[classes + index] + sums[2 * classes + index] - sums[index]
            guard union > 1e-9 else { continue }
            sum += sums[index] / (union + probabilityEpsilon)
            count += 1
        }
        return sum / (count + probabilityEpsilon)
    }
}

/// A metric of how predicted and true classes overlap.
protocol OverlapMetric: Metric {
    var overlap: ClassOverlap { get }
}

extension OverlapMetric {
    public static var kerasArguments: [KerasArgument] { [.at(-1, named: "axis"), .countsDtype] }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try overlap.check(self, prediction, targetKind)
    }

    public func sumCount(prediction: Shape) -> Int { overlap.sumCount }

    public func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) {
        overlap.add(call, to: sums)
    }

    public func write(
        _ sums: UnsafePointer<Double>, prediction: Shape, to values: UnsafeMutablePointer<Double>
    ) {
        values[0] = overlap.value(sums)
    }
}
