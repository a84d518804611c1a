import CDenseLoops
import MIOBase
import MIOConfig

/// The share of elements where `prediction > threshold` equals the target, 0 or 1: of each position the mean over its
/// labelled elements, then over the positions that have any.
///
/// Source: https://keras.io/api/metrics/accuracy_metrics/#binaryaccuracy-class
public struct BinaryAccuracyMetric: MeanMetric, Hashable {
    public static let className = "BinaryAccuracy"
    public static let names = ["binary_accuracy"]
    public static let direction: MetricDirection? = .up

    public let name: String
    /// Between 0 and 1 for probabilities; 0 for logits. Finite.
    public let threshold: Double

    /// - Precondition: `threshold` is finite.
    public init(name: String = BinaryAccuracyMetric.names[0], threshold: Double = 0.5) {
        precondition(threshold.isFinite, "threshold \(threshold) is not finite")
        self.name = name
        self.threshold = threshold
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        let threshold = try reader.real("threshold", default: 0.5)
        guard threshold.isFinite else {
            throw reader.error("threshold", "expected a finite number, found \(threshold)")
        }
        self.init(name: name, threshold: threshold)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "name": .string(name), "threshold": .real(threshold),
        ])
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        let threshold = Float(self.threshold)
        return call.sumOfMeans { isRight($0, $1, threshold) }
    }

    public func accumulateNative(_ call: MetricCall) -> MetricSums {
        let threshold = Float(self.threshold)
        return call.sumOfMeans { offset in
            Double(
                mio_count_answers(
                    call.predictions + offset, call.targets + offset, Int64(call.width), threshold))
        } _: {
            isRight($0, $1, threshold)
        }
    }

    @inline(__always)
    private func isRight(_ prediction: Float, _ target: Float, _ threshold: Float) -> Double {
        (prediction > threshold ? 1 : 0) == target ? 1 : 0
    }
}
