import MIOBase
import MIOConfig

/// The largest value of each window, channel by channel.
/// <https://keras.io/api/layers/pooling_layers/max_pooling2d/>
///
/// x (height, width, channels) → y (height′, width′, channels). The gradient goes to the first largest
/// element of the window in row-major order.
public struct MaxPooling2D: PoolingLayer {
    public static var className: String { "MaxPooling2D" }
    package static let spatialAxes = 2
    package static let isMaximum = true
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    package var arguments: PoolingArguments

    /// A square window.
    /// - Parameter strides: the pool's size unless given.
    public init(
        poolSize: Int = 2, strides: Int? = nil, padding: Padding = .valid,
        dataFormat: DataFormat = .channelsLast, name: String? = nil
    ) {
        attributes = LayerAttributes(name: name)
        arguments = PoolingArguments(
            poolSize: [poolSize, poolSize], strides: strides.map { [$0, $0] }, padding: padding,
            dataFormat: dataFormat)
    }

    /// Height and width.
    /// - Parameter strides: the pool's size unless given.
    public init(
        poolSize: [Int], strides: [Int]? = nil, padding: Padding = .valid,
        dataFormat: DataFormat = .channelsLast, name: String? = nil
    ) {
        attributes = LayerAttributes(name: name)
        arguments = PoolingArguments(
            poolSize: poolSize, strides: strides, padding: padding, dataFormat: dataFormat)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        arguments = try PoolingArguments(spatialAxes: 2, defaultSize: 2, from: &config)
    }
}
