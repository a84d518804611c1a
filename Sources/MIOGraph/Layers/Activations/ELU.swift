import MIOBase
import MIOConfig

/// x where x ≥ 0, else `alpha` · (eˣ − 1).
/// <https://keras.io/api/layers/activation_layers/elu/>
public struct ELU: ActivatingLayer {
    public static var className: String { "ELU" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// What the negative part is multiplied by.
    public let alpha: Double

    /// Keras' arguments, with its defaults.
    public init(alpha: Double = 1, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.alpha = alpha
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        alpha = try config.real("alpha", default: 1)
    }

    public var config: ConfigDictionary { ["alpha": .real(alpha)] }

    public var activation: Activation { Activation(.elu(alpha: alpha)) }
}
