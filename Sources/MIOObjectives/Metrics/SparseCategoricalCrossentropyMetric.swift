import MIOBase
import MIOConfig
import RealModule

/// The mean over positions of the crossentropy of one choice among classes, with a class index as the target. Probabilities are
/// divided by their sum, then clipped to [1e-7, 1 − 1e-7].
///
/// Source: https://keras.io/api/metrics/probabilistic_metrics/#sparsecategoricalcrossentropy-class
public struct SparseCategoricalCrossentropyMetric: MeanMetric, Hashable {
    public static let className = "SparseCategoricalCrossentropy"
    public static let names = ["sparse_categorical_crossentropy"]
    public static let direction: MetricDirection? = .down
    public static var kerasArguments: [KerasArgument] {
        [
            .at(-1, named: "axis"),
            .at(
                .null, named: "ignore_class",
                advice: "the output's missing_label says this for all its metrics"),
        ]
    }

    public let name: String
    /// Whether predictions are logits: of outputs without a sigmoid or softmax.
    public let fromLogits: Bool

    /// Logged as `sparse_categorical_crossentropy` unless it is named.
    public init(name: String = SparseCategoricalCrossentropyMetric.names[0], fromLogits: Bool = false) {
        self.name = name
        self.fromLogits = fromLogits
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.init(name: name, fromLogits: try reader.boolean("from_logits", default: false))
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "name": .string(name), "from_logits": .boolean(fromLogits),
        ])
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireClassIndices(prediction, targetKind, dense: CategoricalCrossentropyMetric.names[0])
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfWholeRows { position in
            let index = call.classIndex(position)
            guard 0..<call.width ~= index else { return .nan }
            let logarithms = call.classLogarithms(position, fromLogits: fromLogits)
            return -logarithms.of(Double(call.predictions[position * call.width + index]))
        }
    }
}
