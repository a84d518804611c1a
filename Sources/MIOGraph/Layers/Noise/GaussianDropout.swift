import MIOBase
import MIOConfig

/// In training, multiplies by normal numbers of mean 1 and of standard deviation √(rate / (1 − rate)).
/// <https://keras.io/api/layers/regularization_layers/gaussian_dropout/>
public struct GaussianDropout: NormalNoise {
    public static var className: String { "GaussianDropout" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// As of `Dropout` with the same mean and variance.
    public let rate: Double
    /// Added to the job's seed.
    public let seed: Int

    /// Multiplies by noise in training.
    public init(_ rate: Double, seed: Int = 0, name: String? = nil) {
        precondition(
            (0..<1).contains(rate), "a rate of GaussianDropout lies from 0 to below 1, not at \(rate)")
        attributes = LayerAttributes(name: name)
        self.rate = rate
        self.seed = seed
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        rate = try config.real("rate", in: 0...1)
        guard rate < 1 else {
            throw config.error("rate", "expected less than 1: the standard deviation would be infinite")
        }
        seed = try config.optionalInteger("seed") ?? 0
    }

    public var config: ConfigDictionary { ["rate": .real(rate), "seed": .integer(seed)] }

    public var deviation: Double { (rate / (1 - rate)).squareRoot() }
    public var multiplies: Bool { true }
}
