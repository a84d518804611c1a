import MIOBase
import MIOConfig

/// In training, sets a fraction `rate` of the channels to 0 for all steps of a sequence, (steps, channels), and scales the others by 1/(1 − rate).
/// <https://keras.io/api/layers/regularization_layers/spatial_dropout1d/>
public struct SpatialDropout1D: ChannelDropout {
    public static var className: String { "SpatialDropout1D" }
    public static var axes: Int { 2 }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The share of channels that are dropped.
    public let rate: Double
    /// Added to the job's seed.
    public let seed: Int
    /// The last axis.
    public var dataFormat: DataFormat { .channelsLast }

    /// Drops this share of the channels in training.
    public init(
        _ rate: Double, seed: Int = 0, name: String? = nil
    ) {
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
}
