import MIOBase
import MIOConfig

/// x · `scale` + `offset`, of floats or integers.
/// <https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/>
public struct Rescaling: AffineLayer {
    public static var className: String { "Rescaling" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// A number, or one for each place on the last axis.
    public let scale: NestedNumbers
    /// A number, or one for each place on the last axis.
    public let offset: NestedNumbers

    /// Keras' arguments, with its defaults.
    public init(_ scale: Double, offset: Double = 0, name: String? = nil) {
        self.init(NestedNumbers(scale), offset: NestedNumbers(offset), name: name)
    }

    /// Keras' arguments, with its defaults.
    public init(_ scale: NestedNumbers, offset: NestedNumbers = NestedNumbers(0), name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.scale = scale
        self.offset = offset
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        if config.keys.contains("scale"), let numbers = try config.optionalNumbers("scale") {
            scale = numbers
        } else {
            scale = NestedNumbers(try config.real("scale"))
        }
        offset = try config.optionalNumbers("offset") ?? NestedNumbers(0)
    }

    public var config: ConfigDictionary { ["scale": scale.config, "offset": offset.config] }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        for numbers in [scale, offset]
        where (try? Broadcast.shape(of: [inputs[0], numbers.shape])) != inputs[0] {
            throw ShapeError(
                "numbers of shape \(numbers.shape) do not fit \(inputs[0]): expected one, or as many as its last axis has"
            )
        }
        return inputs[0]
    }

    public func steps<T: Scalar>(of input: Shape, weights: [UnsafePointer<T>]) -> [AffineStep] {
        [
            AffineStep(kind: .product, shape: scale.shape, numbers: scale.values),
            AffineStep(kind: .sum, shape: offset.shape, numbers: offset.values),
        ]
    }
}
