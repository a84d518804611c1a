import MIOBase
import MIOConfig

/// Each step several times. <https://keras.io/api/layers/reshaping_layers/up_sampling1d/>
///
/// x (steps, channels) → y (steps · size, channels).
public struct UpSampling1D: UpSamplingLayer {
    public static var className: String { "UpSampling1D" }
    package static let spatialAxes = 1
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// How often each step is in the result.
    public let size: Int
    package var dataFormat: DataFormat = .channelsLast

    /// Keras' arguments, with its defaults.
    public init(size: Int = 2, name: String? = nil) {
        precondition(size >= 1, "UpSampling1D needs a positive size")
        attributes = LayerAttributes(name: name)
        self.size = size
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        size = try config.integer("size", default: 2, atLeast: 1, atMost: Self.largestArgument)
    }

    public var config: ConfigDictionary { ["size": .integer(size)] }

    package var factors: (height: Int, width: Int) { (1, size) }
    package var interpolation: Interpolation { .nearest }
}
