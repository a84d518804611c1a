import MIOBase
import MIOConfig

/// x where x > 0, else `negativeSlope` · x.
/// <https://keras.io/api/layers/activation_layers/leaky_relu/>
public struct LeakyReLU: ActivatingLayer {
    public static var className: String { "LeakyReLU" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The slope below 0. Keras 2 called it `alpha`, which is read too.
    public let negativeSlope: Double

    /// Keras' arguments, with its defaults.
    public init(negativeSlope: Double = 0.3, name: String? = nil) {
        precondition(negativeSlope >= 0, "LeakyReLU takes no negative slope")
        attributes = LayerAttributes(name: name)
        self.negativeSlope = negativeSlope
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        let isOld = config.unlisted("alpha") != nil && config.value("negative_slope") == nil
        negativeSlope =
            isOld
            ? try config.real("alpha", in: 0 ... .infinity)
            : try config.real("negative_slope", default: 0.3, in: 0 ... .infinity)
    }

    public var config: ConfigDictionary { ["negative_slope": .real(negativeSlope)] }

    public var activation: Activation { Activation(.leaky(slope: negativeSlope)) }
}
