import MIOBase
import MIOConfig

/// The largest value of each channel over all steps.
/// <https://keras.io/api/layers/pooling_layers/global_max_pooling1d/>
///
/// x (steps, channels) → y (channels,), with `keepdims` (1, channels).
/// The gradient is divided equally among all that are as large as the largest.
public struct GlobalMaxPooling1D: GlobalPoolingLayer {
    public static var className: String { "GlobalMaxPooling1D" }
    package static let spatialAxes = 1
    package static let isMaximum = true
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    package var arguments: GlobalPoolingArguments

    /// Keras' arguments, with its defaults.
    public init(dataFormat: DataFormat = .channelsLast, keepdims: Bool = false, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        arguments = GlobalPoolingArguments(dataFormat: dataFormat, keepdims: keepdims)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        arguments = try GlobalPoolingArguments(from: &config)
    }
}
