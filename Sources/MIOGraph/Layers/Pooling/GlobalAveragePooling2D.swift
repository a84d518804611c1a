import MIOBase
import MIOConfig

/// The mean of each channel over all pixels.
/// <https://keras.io/api/layers/pooling_layers/global_average_pooling2d/>
///
/// x (height, width, channels) → y (channels,), with `keepdims` (1, 1, channels).
public struct GlobalAveragePooling2D: GlobalPoolingLayer {
    public static var className: String { "GlobalAveragePooling2D" }
    package static let spatialAxes = 2
    package static let isMaximum = false
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
