import MIOBase
import MIOConfig
import RealModule

/// The mean over positions of the crossentropy of one choice among classes, with rows of target probabilities. Probabilities are
/// divided by their sum, then clipped to [1e-7, 1 − 1e-7]. A row with a missing element is left out.
///
/// Source: https://keras.io/api/metrics/probabilistic_metrics/#categoricalcrossentropy-class
public struct CategoricalCrossentropyMetric: MeanMetric, Hashable {
    public static let className = "CategoricalCrossentropy"
    public static let names = ["categorical_crossentropy"]
    public static let direction: MetricDirection? = .down
    public static var kerasArguments: [KerasArgument] { [.at(-1, named: "axis")] }

    public let name: String
    /// Whether predictions are logits: of outputs without a sigmoid or softmax.
    public let fromLogits: Bool
    /// From 0 to 1.
    public let labelSmoothing: Double

    /// Logged as `categorical_crossentropy` unless it is named.
    public init(
        name: String = CategoricalCrossentropyMetric.names[0], fromLogits: Bool = false,
        labelSmoothing: Double = 0
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
        try requireRows(prediction, targetKind, sparse: SparseCategoricalCrossentropyMetric.names[0])
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        let (keep, shift) = (1 - labelSmoothing, labelSmoothing / Double(call.width))
        return call.sumOfWholeRows { position in
            let logarithms = call.classLogarithms(position, fromLogits: fromLogits)
            return call.sumOverRow(position) { prediction, target in
                let target = target * keep + shift
                return target == 0 ? 0 : -target * logarithms.of(prediction)
            }
        }
    }
}
