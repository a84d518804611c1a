import MIOBase
import MIOConfig

/// Leaves out the first and the last steps.
/// <https://keras.io/api/layers/reshaping_layers/cropping1d/>
///
/// x (steps, channels) → y (steps′, channels).
public struct Cropping1D: BorderLayer {
    public static var className: String { "Cropping1D" }
    package static let spatialAxes = 1
    package static let adds = false
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// How much is left out before and after, for each spatial axis.
    public var cropping: [Int] { margins.values[0] }
    package let margins: Margins
    /// Whether the channels are the last axis of a sample, or the first one.
    package var dataFormat: DataFormat = .channelsLast

    /// - Parameter cropping: before and after.
    public init(
        cropping: [Int] = [1, 1], name: String? = nil
    ) {
        precondition(cropping.count == 2, "cropping is two numbers")
        attributes = LayerAttributes(name: name)
        margins = Margins([cropping])
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        margins = try Margins(sequence: "cropping", default: 1, from: &config)
    }

    public var config: ConfigDictionary {
        ["cropping": margins.config]
    }
}
