import MIOBase
import MIOConfig
import RealModule

/// A number that says how well an output does: a value, and its arithmetic.
///
/// A metric is made of sums over positions that parts of a batch, and ranks, can add; the number is made of them at the end.
/// Most are the weighted mean of something that each position contributes, and conform to `MeanMetric`. Others add up as
/// many numbers as they need: counts by threshold, by class.
///
/// To add one: a file like `MeanAbsoluteErrorMetric.swift` or `FBetaScoreMetric.swift`, a line in `MetricRegistry`, a test.
public protocol Metric: Sendable {
    /// The Keras class: `MeanAbsoluteError`.
    static var className: String { get }
    /// What a job file may write for it beside the class name: `mean_absolute_error`, `mae`.
    static var names: [String] { get }
    /// Arguments of the Keras class that this metric does not have, beside `dtype`.
    static var kerasArguments: [KerasArgument] { get }
    /// Which way it gets better, for callbacks whose `mode` is `auto`; `nil` if that depends.
    static var direction: MetricDirection? { get }

    /// Reads the arguments of a job file's mapping, not `class` or `name` and not `finish()`.
    /// - Parameter name: the log name to take.
    init(reading reader: inout ConfigReader, name: String) throws(ConfigError)

    /// What logs call it after the output's name: the name as the job file writes it (`mae` stays `mae`),
    /// else `names[0]`.
    var name: String { get }

    /// The whole of it as a job file says it: `{class: MeanAbsoluteError, name: mae}`.
    var config: ConfigValue { get }

    /// Whether this metric makes sense of such predictions and targets; asked once, before training.
    /// - Throws: `MetricShapeError`, with what to use instead.
    func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError)

    /// How many sums it has, of predictions of this shape.
    func sumCount(prediction: Shape) -> Int

    /// Adds the sums over a call's labelled positions. Training and evaluation call this one.
    ///
    /// A position whose elements are missing in part is left out where its row is needed as a whole; elsewhere the missing
    /// elements alone are.
    /// - Parameter sums: `sumCount` numbers.
    func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>)

    /// What logs call its numbers, after the output's name: mostly the one that is `name`.
    func valueNames(prediction: Shape) -> [String]

    /// Makes the metric's numbers of the sums over everything.
    /// - Parameters:
    ///   - sums: `sumCount` numbers.
    ///   - values: out, one for each of `valueNames`.
    func write(
        _ sums: UnsafePointer<Double>, prediction: Shape, to values: UnsafeMutablePointer<Double>)
}

/// A metric that is the weighted mean of something each position contributes: two sums.
///
/// To add one: a file like `MeanAbsoluteErrorMetric.swift`, a line in `MetricRegistry`, a test. A faster loop is
/// `accumulateNative`, in the same file.
public protocol MeanMetric: Metric {
    /// The sums over the labelled positions of a call.
    ///
    /// A metric that compares element by element takes each position's mean over its labelled elements; one that
    /// needs a whole row leaves out positions where elements are missing. This is the plain implementation, the oracle of
    /// `accumulateNative`.
    func accumulate(_ call: MetricCall) -> MetricSums

    /// The same as fast as the machine can. Training and evaluation call this one.
    func accumulateNative(_ call: MetricCall) -> MetricSums

    /// The metric from the sums over everything; 0 where nothing was counted (Keras' `divide_no_nan`).
    func value(_ sums: MetricSums) -> Double
}

extension MeanMetric {
    public func value(_ sums: MetricSums) -> Double { sums.mean }

    public func accumulateNative(_ call: MetricCall) -> MetricSums { accumulate(call) }

    public func sumCount(prediction: Shape) -> Int { 2 }

    public func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) {
        let result = accumulateNative(call)
        sums[0] += result.sum
        sums[1] += result.count
    }

    public func write(
        _ sums: UnsafePointer<Double>, prediction: Shape, to values: UnsafeMutablePointer<Double>
    ) {
        values[0] = value(MetricSums(sum: sums[0], count: sums[1]))
    }
}

extension Metric {
    public static var kerasArguments: [KerasArgument] { [] }
    public static var direction: MetricDirection? { nil }

    public func valueNames(prediction: Shape) -> [String] { [name] }

    public var config: ConfigValue {
        .dictionary(["class": .string(Self.className), "name": .string(name)])
    }

    /// For metrics that compare element by element.
    func requireElements(_ prediction: Shape, _ targetKind: TargetKind) throws(MetricShapeError) {
        guard targetKind != .shared else {
            throw MetricShapeError(
                metric: name, prediction: prediction,
                reason:
                    "it compares each unit with a target of its own, and the targets are one number a row. The "
                    + "output's loss says how good the quantiles are; remove the metric")
        }
        guard targetKind != .classIndex || prediction.last == 1 else {
            throw MetricShapeError(
                metric: name, prediction: prediction,
                reason: "it compares element by element, and the targets are class indices. Use accuracy")
        }
    }

    /// For metrics that compare a row of numbers with a row of targets.
    func requireRows(_ prediction: Shape, _ targetKind: TargetKind) throws(MetricShapeError) {
        guard targetKind.isSingle else { return }
        throw MetricShapeError(
            metric: name, prediction: prediction,
            reason:
                "it compares each row with a row of targets, and the targets are one number a row; remove the "
                + "metric")
    }

    /// For metrics that compare a row of scores with a row of target probabilities.
    func requireRows(_ prediction: Shape, _ targetKind: TargetKind, sparse: String)
        throws(MetricShapeError)
    {
        guard !targetKind.isSingle else {
            throw MetricShapeError(
                metric: name, prediction: prediction,
                reason: targetKind == .shared
                    ? "it expects one-hot targets, and these are one number a row"
                    : "it expects one-hot targets, and these are class indices. Use \(sparse)")
        }
    }

    /// For metrics that compare a row of scores with a class index.
    func requireClassIndices(_ prediction: Shape, _ targetKind: TargetKind, dense: String)
        throws(MetricShapeError)
    {
        guard targetKind == .classIndex else {
            throw MetricShapeError(
                metric: name, prediction: prediction,
                reason: "it expects class indices as targets, and the output's loss takes one-hot rows or "
                    + "numbers. Use \(dense)")
        }
    }
}

/// The arrays of one evaluation of a metric. The memory stays the caller's.
public struct MetricCall {
    /// Samples × the product of all axes of the prediction but the last.
    public let positions: Int
    /// The prediction's last axis; 1 for a scalar prediction.
    public let width: Int
    /// What targets are.
    public let targetKind: TargetKind
    /// `[positions × width]`: final activations, not logits.
    public let predictions: UnsafePointer<Float>
    /// `[positions × width]`, or `[positions]` for class indices.
    public let targets: UnsafePointer<Float>
    /// `[positions]`: a `LabelMark` each.
    public let labelled: UnsafePointer<UInt8>
    /// The target that stands for a missing element, as NaN always does; NaN for none.
    public let missing: Float
    /// `[positions]`: sample weights, for what Keras calls `weighted_metrics`; `nil` counts each as 1.
    public let weights: UnsafePointer<Float>?

    /// A call on memory of the caller.
    public init(
        positions: Int, width: Int, targetKind: TargetKind, predictions: UnsafePointer<Float>,
        targets: UnsafePointer<Float>, labelled: UnsafePointer<UInt8>, missing: Float = .nan,
        weights: UnsafePointer<Float>? = nil
    ) {
        self.positions = positions
        self.width = width
        self.targetKind = targetKind
        self.predictions = predictions
        self.targets = targets
        self.labelled = labelled
        self.missing = missing
        self.weights = weights
    }

    /// The sum over a row of a function of (prediction, target).
    @inline(__always)
    func sumOverRow(_ position: Int, _ element: (Double, Double) -> Double) -> Double {
        var sum = 0.0
        for index in position * width..<(position + 1) * width {
            sum += element(Double(predictions[index]), Double(targets[index]))
        }
        return sum
    }

    /// How the logarithms of a row's probabilities are made of its predictions.
    struct ClassLogarithms {
        let fromLogits: Bool
        /// log Σ exp(logit), or the probabilities' sum.
        let total: Double

        @inline(__always)
        func of(_ prediction: Double) -> Double {
            if fromLogits { return prediction - total }
            return Double.log(min(max(prediction / total, probabilityEpsilon), 1 - probabilityEpsilon))
        }
    }

    @inline(__always)
    func classLogarithms(_ position: Int, fromLogits: Bool) -> ClassLogarithms {
        let row = predictions + position * width
        guard fromLogits else {
            var sum = 0.0
            for place in 0..<width { sum += Double(row[place]) }
            return ClassLogarithms(fromLogits: false, total: sum)
        }
        var largest = Double(row[0])
        for place in 0..<width { largest = max(largest, Double(row[place])) }
        var sum = 0.0
        for place in 0..<width { sum += Double.exp(Double(row[place]) - largest) }
        return ClassLogarithms(fromLogits: true, total: largest + Double.log(sum))
    }

    /// Calls a function with every element that has a label, its place in its row, and its position's weight.
    @inline(__always)
    func forEachElement(
        _ body: (_ place: Int, _ prediction: Float, _ target: Float, _ weight: Double) -> Void
    ) {
        for position in 0..<positions where labelled[position] != LabelMark.none {
            let weight = weights.map { Double($0[position]) } ?? 1
            let isWhole = labelled[position] == LabelMark.whole
            for place in 0..<width {
                let index = position * width + place
                guard isWhole || isLabel(targets[index], missing: missing) else { continue }
                body(place, predictions[index], targets[index], weight)
            }
        }
    }

    /// Calls a function with every position whose every element has a label, and its weight.
    @inline(__always)
    func forEachWholeRow(_ body: (_ position: Int, _ weight: Double) -> Void) {
        for position in 0..<positions where labelled[position] == LabelMark.whole {
            body(position, weights.map { Double($0[position]) } ?? 1)
        }
    }

    /// Σ weight × value and Σ weight over the positions whose every element has a label.
    @inline(__always)
    func sumOfWholeRows(_ value: (_ position: Int) -> Double) -> MetricSums {
        var sums = MetricSums()
        for position in 0..<positions where labelled[position] == LabelMark.whole {
            let weight = weights.map { Double($0[position]) } ?? 1
            sums.sum += weight * value(position)
            sums.count += weight
        }
        return sums
    }

    /// Σ weight × the mean of a function of (prediction, target) over a position's labelled elements, and Σ weight over
    /// the positions that have any.
    /// - Parameter sumOfRow: the sum over a row whose every element has a label; gets its offset.
    @inline(__always)
    func sumOfMeans(
        _ sumOfRow: (_ offset: Int) -> Double, _ element: (Float, Float) -> Double
    ) -> MetricSums {
        var wholeRows = 0
        var sums = sumOfWholeRows { position in
            wholeRows += 1
            return sumOfRow(position * width)
        }
        sums.sum /= Double(width)
        return wholeRows == positions ? sums : sums + sumOfPartialRows(element)
    }

    @inline(never)
    private func sumOfPartialRows(_ element: (Float, Float) -> Double) -> MetricSums {
        var sums = MetricSums()
        for position in 0..<positions where labelled[position] == LabelMark.part {
            let weight = weights.map { Double($0[position]) } ?? 1
            sums.sum += weight * meanOfLabelledElements(position, element)
            sums.count += weight
        }
        return sums
    }

    /// The same with the sum of a row made of the function.
    @inline(__always)
    func sumOfMeans(_ element: (Float, Float) -> Double) -> MetricSums {
        sumOfMeans(
            { offset in
                // Four sums, for one would have every addition wait for the one before.
                var partialSums: SIMD4<Double> = .zero
                var index = offset
                let end = index + width
                while index + 4 <= end {
                    for place in 0..<4 {
                        partialSums[place] += element(predictions[index + place], targets[index + place])
                    }
                    index += 4
                }
                while index < end {
                    partialSums[0] += element(predictions[index], targets[index])
                    index += 1
                }
                return partialSums.sum()
            }, element)
    }

    private func meanOfLabelledElements(_ position: Int, _ element: (Float, Float) -> Double) -> Double {
        var (sum, count) = (0.0, 0.0)
        for index in position * width..<(position + 1) * width
        where isLabel(targets[index], missing: missing) {
            sum += element(predictions[index], targets[index])
            count += 1
        }
        return sum / count
    }
}

/// What a metric has added up; sums of parts and of ranks add.
public struct MetricSums: Hashable, Sendable {
    /// Σ weight × value.
    public var sum: Double
    /// Σ weight.
    public var count: Double

    /// A sum over so many labels.
    public init(sum: Double = 0, count: Double = 0) {
        self.sum = sum
        self.count = count
    }

    /// The weighted mean; 0 where nothing was counted.
    public var mean: Double { count == 0 ? 0 : sum / count }

    /// The sums of both.
    public static func + (a: Self, b: Self) -> Self {
        Self(sum: a.sum + b.sum, count: a.count + b.count)
    }

    /// Adds the sums of another.
    public static func += (a: inout Self, b: Self) { a = a + b }
}

/// A metric that an output's predictions and targets do not suit.
public struct MetricShapeError: MIOError, Hashable {
    /// The metric's class.
    public let metric: String
    /// The output's shape.
    public let prediction: Shape
    /// What was expected, and what to do.
    public let reason: String

    /// A metric that cannot be taken of an output.
    public init(metric: String, prediction: Shape, reason: String) {
        self.metric = metric
        self.prediction = prediction
        self.reason = reason
    }

    /// The exit code of a program that this error ends.
    public var exitCode: ExitCode { .badInput }
    public var description: String {
        "metric \(metric) does not suit a prediction of shape \(prediction): \(reason)"
    }
}
