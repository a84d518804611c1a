import MIOBase
import MIOConfig

/// x where x > `threshold`, at most `maxValue`; else `negativeSlope` · (x − `threshold`).
/// <https://keras.io/api/layers/activation_layers/relu/>
public struct ReLU: ActivatingLayer {
    public static var className: String { "ReLU" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The largest result; `nil` for any.
    public let maxValue: Double?
    /// The slope below the threshold.
    public let negativeSlope: Double
    /// Above it the argument passes.
    public let threshold: Double

    /// Keras' arguments, with its defaults.
    public init(
        maxValue: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0, name: String? = nil
    ) {
        precondition(
            (maxValue ?? 0) >= 0 && negativeSlope >= 0 && threshold >= 0, "ReLU takes no negative number")
        attributes = LayerAttributes(name: name)
        self.maxValue = maxValue
        self.negativeSlope = negativeSlope
        self.threshold = threshold
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        maxValue = try config.optionalReal("max_value", in: 0 ... .infinity)
        negativeSlope = try config.real("negative_slope", default: 0, in: 0 ... .infinity)
        threshold = try config.real("threshold", default: 0, in: 0 ... .infinity)
    }

    public var config: ConfigDictionary {
        [
            "max_value": maxValue.map { .real($0) } ?? .null, "negative_slope": .real(negativeSlope),
            "threshold": .real(threshold),
        ]
    }

    public var activation: Activation {
        Activation(.rectified(slope: negativeSlope, most: maxValue, threshold: threshold))
    }
}
