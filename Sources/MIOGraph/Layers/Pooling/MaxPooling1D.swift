import MIOBase
import MIOConfig

/// The largest value of each window, channel by channel.
/// <https://keras.io/api/layers/pooling_layers/max_pooling1d/>
///
/// x (steps, channels) → y (steps′, channels). The gradient goes to the first largest
/// element of the window in row-major order.
public struct MaxPooling1D: PoolingLayer {
    public static var className: String { "MaxPooling1D" }
    package static let spatialAxes = 1
    package static let isMaximum = true
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    package var arguments: PoolingArguments

    /// - Parameter strides: the pool's size unless given.
    public init(
        poolSize: Int = 2, strides: Int? = nil, padding: Padding = .valid,
        dataFormat: DataFormat = .channelsLast, name: String? = nil
    ) {
        attributes = LayerAttributes(name: name)
        arguments = PoolingArguments(
            poolSize: [poolSize], strides: strides.map { [$0] }, padding: padding, dataFormat: dataFormat)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        arguments = try PoolingArguments(spatialAxes: 1, defaultSize: 2, from: &config)
    }
}
