import MIOBase
import MIOConfig

/// In training, adds normal numbers of mean 0 and of a standard deviation.
/// <https://keras.io/api/layers/regularization_layers/gaussian_noise/>
public struct GaussianNoise: NormalNoise {
    public static var className: String { "GaussianNoise" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The numbers' standard deviation.
    public let stddev: Double
    /// Added to the job's seed.
    public let seed: Int

    /// Adds noise of this standard deviation in training.
    public init(_ stddev: Double, seed: Int = 0, name: String? = nil) {
        precondition((0...1).contains(stddev), "a standard deviation lies from 0 to 1, not at \(stddev)")
        attributes = LayerAttributes(name: name)
        self.stddev = stddev
        self.seed = seed
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        stddev = try config.real("stddev", in: 0...1)
        seed = try config.optionalInteger("seed") ?? 0
    }

    public var config: ConfigDictionary { ["stddev": .real(stddev), "seed": .integer(seed)] }

    public var deviation: Double { stddev }
    public var multiplies: Bool { false }
}
