import MIOBase
import MIOConfig

/// In training, sets a fraction `rate` of the elements to 0 and scales the others by 1/(1 − rate).
/// <https://keras.io/api/layers/regularization_layers/dropout/>
///
/// Which elements, is a function of (seed, step, position in the global batch, the call's name) alone: the same on any
/// number of ranks, and drawn again in backward instead of being kept.
public struct Dropout: ElementDropout {
    public static var className: String { "Dropout" }
    public static var kerasArguments: [KerasArgument] { [.at(.null, named: "noise_shape")] }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The share of elements that are dropped.
    public let rate: Double
    /// Added to the job's seed.
    public let seed: Int

    /// Drops this share of the elements in training.
    public init(_ rate: Double, seed: Int = 0, name: String? = nil) {
        precondition((0...1).contains(rate), "a dropout rate lies from 0 to 1, not at \(rate)")
        attributes = LayerAttributes(name: name)
        self.rate = rate
        self.seed = seed
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        rate = try config.real("rate", in: 0...1)
        seed = try config.optionalInteger("seed") ?? 0
    }

    public var config: ConfigDictionary { ["rate": .real(rate), "seed": .integer(seed)] }

    /// What elements that are not dropped are multiplied by.
    public var scale: Double { 1 / (1 - rate) }
}
