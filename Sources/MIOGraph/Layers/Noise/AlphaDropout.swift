import MIOBase
import MIOConfig

/// In training, sets a fraction `rate` of the elements to selu's negative limit α′ = −1.7581, and maps all of them by
/// a · x + b so that mean 0 and variance 1 stay.
/// <https://keras.io/api/layers/regularization_layers/alpha_dropout/>, <https://arxiv.org/abs/1706.02515>
///
/// a = ((1 − rate)(1 + rate · α′²))^−½ and b = −a · α′ · rate. Which elements, is drawn as `Dropout` draws.
public struct AlphaDropout: ElementDropout {
    public static var className: String { "AlphaDropout" }
    public static var kerasArguments: [KerasArgument] { [.at(.null, named: "noise_shape")] }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The share of elements that are dropped.
    public let rate: Double
    /// Added to the job's seed.
    public let seed: Int

    /// Drops this share of the elements in training.
    public init(_ rate: Double, seed: Int = 0, name: String? = nil) {
        precondition((0..<1).contains(rate), "a rate of AlphaDropout lies from 0 to below 1, not at \(rate)")
        attributes = LayerAttributes(name: name)
        self.rate = rate
        self.seed = seed
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        rate = try config.real("rate", in: 0...1)
        guard rate < 1 else {
            throw config.error(
                "rate", "expected less than 1: if all elements are dropped, Keras divides by 0")
        }
        seed = try config.optionalInteger("seed") ?? 0
    }

    public var config: ConfigDictionary { ["rate": .real(rate), "seed": .integer(seed)] }

    private static var limit: Double {
        -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
    }

    public var scale: Double { 1 / ((1 - rate) * (1 + rate * Self.limit * Self.limit)).squareRoot() }
    public var shift: Double { -scale * Self.limit * rate }
    public var dropped: Double { scale * Self.limit + shift }
}
