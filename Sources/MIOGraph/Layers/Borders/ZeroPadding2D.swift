import MIOBase
import MIOConfig

/// Zeros around an image.
/// <https://keras.io/api/layers/reshaping_layers/zero_padding2d/>
///
/// x (height, width, channels) → y (height′, width′, channels).
public struct ZeroPadding2D: BorderLayer {
    public static var className: String { "ZeroPadding2D" }
    package static let spatialAxes = 2
    package static let adds = true
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// How many zeros before and after, for each spatial axis.
    public var padding: [[Int]] { margins.values }
    package let margins: Margins
    /// Whether the channels are the last axis of a sample, or the first one.
    package var dataFormat: DataFormat

    /// - Parameter padding: before and after, for height and width.
    public init(
        padding: [[Int]] = [[1, 1], [1, 1]], dataFormat: DataFormat = .channelsLast, name: String? = nil
    ) {
        precondition(padding.count == 2, "padding is two numbers for each axis")
        attributes = LayerAttributes(name: name)
        margins = Margins(padding)
        self.dataFormat = dataFormat
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        margins = try Margins(image: "padding", default: 1, from: &config)
        dataFormat = try DataFormat(from: &config)
    }

    public var config: ConfigDictionary {
        ["padding": margins.config, "data_format": .string(dataFormat.rawValue)]
    }
}
