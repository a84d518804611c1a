import MIOBase
import MIOConfig

/// An image with more rows and columns. <https://keras.io/api/layers/reshaping_layers/up_sampling2d/>
///
/// x (height, width, channels) → y (height · size, width · size, channels). The pixel (i, j) is that of (⌊i / size⌋, ⌊j / size⌋);
/// otherwise the one at ((i + ½) / size − ½, (j + ½) / size − ½) between its neighbours: `bilinear` of 2 × 2, `bicubic` of 4 × 4,
/// `lanczos3` of 6 × 6, `lanczos5` of 10 × 10 pixels.
public struct UpSampling2D: UpSamplingLayer {
    public static var className: String { "UpSampling2D" }
    package static let spatialAxes = 2
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Of rows and columns, how many times as many there are.
    public let size: [Int]
    /// Whether the channels are the last axis of a sample, or the first one.
    package var dataFormat: DataFormat
    /// What is between the pixels.
    public let interpolation: Interpolation

    /// Keras' arguments, with its defaults.
    public init(
        size: [Int] = [2, 2], dataFormat: DataFormat = .channelsLast,
        interpolation: Interpolation = .nearest, name: String? = nil
    ) {
        precondition(size.count == 2 && size.allSatisfy { $0 >= 1 }, "UpSampling2D needs two positive sizes")
        attributes = LayerAttributes(name: name)
        self.size = size
        self.dataFormat = dataFormat
        self.interpolation = interpolation
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        size = try config.integers(
            "size", count: 2, default: [2, 2], atLeast: 1, atMost: Self.largestArgument)
        dataFormat = try DataFormat(from: &config)
        interpolation = try config.choice("interpolation", default: .nearest)
    }

    public var config: ConfigDictionary {
        [
            "size": ConfigValue(size), "data_format": .string(dataFormat.rawValue),
            "interpolation": .string(interpolation.rawValue),
        ]
    }

    package var factors: (height: Int, width: Int) { (size[0], size[1]) }
}
