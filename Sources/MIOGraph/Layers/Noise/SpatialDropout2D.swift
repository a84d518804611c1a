import MIOBase
import MIOConfig

/// In training, sets a fraction `rate` of the channels to 0 for all pixels of an image, (height, width, channels), and scales the others by 1/(1 − rate).
/// <https://keras.io/api/layers/regularization_layers/spatial_dropout2d/>
public struct SpatialDropout2D: ChannelDropout {
    public static var className: String { "SpatialDropout2D" }
    public static var axes: Int { 3 }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The share of channels that are dropped.
    public let rate: Double
    /// Added to the job's seed.
    public let seed: Int
    /// Where the channels are.
    public let dataFormat: DataFormat

    /// Drops this share of the channels in training.
    public init(
        _ rate: Double, dataFormat: DataFormat = .channelsLast, seed: Int = 0, name: String? = nil
    ) {
        precondition((0...1).contains(rate), "a dropout rate lies from 0 to 1, not at \(rate)")
        attributes = LayerAttributes(name: name)
        self.rate = rate
        self.seed = seed
        self.dataFormat = dataFormat
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        rate = try config.real("rate", in: 0...1)
        dataFormat = try DataFormat(from: &config)
        seed = try config.optionalInteger("seed") ?? 0
    }

    public var config: ConfigDictionary {
        ["rate": .real(rate), "data_format": .string(dataFormat.rawValue), "seed": .integer(seed)]
    }
}
