import MIOBase
import MIOConfig

/// Leaves out an image's edges.
/// <https://keras.io/api/layers/reshaping_layers/cropping2d/>
///
/// x (height, width, channels) → y (height′, width′, channels).
public struct Cropping2D: BorderLayer {
    public static var className: String { "Cropping2D" }
    package static let spatialAxes = 2
    package static let adds = false
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// How much is left out before and after, for each spatial axis.
    public var cropping: [[Int]] { margins.values }
    package let margins: Margins
    /// Whether the channels are the last axis of a sample, or the first one.
    package var dataFormat: DataFormat

    /// - Parameter cropping: before and after, for height and width.
    public init(
        cropping: [[Int]] = [[0, 0], [0, 0]], dataFormat: DataFormat = .channelsLast, name: String? = nil
    ) {
        precondition(cropping.count == 2, "cropping is two numbers for each axis")
        attributes = LayerAttributes(name: name)
        margins = Margins(cropping)
        self.dataFormat = dataFormat
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        margins = try Margins(image: "cropping", default: 0, from: &config)
        dataFormat = try DataFormat(from: &config)
    }

    public var config: ConfigDictionary {
        ["cropping": margins.config, "data_format": .string(dataFormat.rawValue)]
    }
}
