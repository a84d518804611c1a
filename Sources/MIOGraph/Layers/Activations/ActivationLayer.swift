import MIOBase
import MIOConfig

/// Applies an activation to its input (Keras' `Activation`; the Swift name leaves that one to the function).
/// <https://keras.io/api/layers/core_layers/activation/>
public struct ActivationLayer: ActivatingLayer {
    public static var className: String { "Activation" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// What ends the layer.
    public var activation: Activation

    /// A layer that does nothing but this activation.
    public init(_ activation: Activation, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.activation = activation
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        activation = try Activation(required: "activation", from: &config)
    }

    public var config: ConfigDictionary { ["activation": activation.config] }
}
