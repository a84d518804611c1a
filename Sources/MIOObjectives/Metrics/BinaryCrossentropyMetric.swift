import MIOBase
import MIOConfig
import RealModule

/// The mean of the crossentropy of independent yes-or-no answers: of each position the mean over its
/// labelled elements, then over the positions that have any. Probabilities are clipped to [1e-7, 1 − 1e-7].
///
/// Source: https://keras.io/api/metrics/probabilistic_metrics/#binarycrossentropy-class
public struct BinaryCrossentropyMetric: MeanMetric, Hashable {
    public static let className = "BinaryCrossentropy"
    public static let names = ["binary_crossentropy", "bce", "BCE"]
    public static let direction: MetricDirection? = .down
    public let name: String
    /// Whether predictions are logits: of outputs without a sigmoid or softmax.
    public let fromLogits: Bool
    /// From 0 to 1.
    public let labelSmoothing: Double

    /// Logged as `binary_crossentropy` unless it is named.
    public init(
        name: String = BinaryCrossentropyMetric.names[0], fromLogits: Bool = false, labelSmoothing: Double = 0
    ) {
        self.name = name
        self.fromLogits = fromLogits
        self.labelSmoothing = labelSmoothing
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.init(
            name: name, fromLogits: try reader.boolean("from_logits", default: false),
            labelSmoothing: try reader.real("label_smoothing", default: 0, in: 0...1))
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "name": .string(name), "from_logits": .boolean(fromLogits),
            "label_smoothing": .real(labelSmoothing),
        ])
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        let (keep, shift) = (1 - labelSmoothing, labelSmoothing / 2)
        return call.sumOfMeans { prediction, label in
            let (x, z) = (Double(prediction), Double(label) * keep + shift)
            if fromLogits { return max(x, 0) - x * z + Double.log(onePlus: Double.exp(-abs(x))) }
            let p = min(max(x, probabilityEpsilon), 1 - probabilityEpsilon)
            return -(z * Double.log(p) + (1 - z) * Double.log(1 - p))
        }
    }
}
