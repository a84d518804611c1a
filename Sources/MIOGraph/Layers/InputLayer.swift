import MIOConfig
import MIOTensor

/// Where a model's data enters. <https://keras.io/api/layers/core_layers/input/>
public struct InputLayer: Layer {
    public static var className: String { "InputLayer" }
    public let attributes: LayerAttributes
    public let shape: Shape

    public init(attributes: LayerAttributes, shape: Shape) {
        self.attributes = attributes
        self.shape = shape
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.init(attributes: attributes, shape: try Shape(reading: "shape", from: &config))
    }

    public var config: ConfigDictionary { ["shape": ConfigValue(shape.dimensions)] }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.isEmpty else { throw ShapeError(expected: "no input", received: inputs) }
        return shape
    }

    /// The batch is already in place.
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {}
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {}
}

extension Shape {
    /// A list of positive dimensions whose product fits an `Int`.
    init(reading key: String, from config: inout ConfigReader) throws(ConfigError) {
        let dimensions = try config.integerList(key)
        var count = 1
        for dimension in dimensions {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard dimension >= 1, !overflow else {
                throw config.error(
                    key, "expected positive dimensions (without the batch), found \(dimensions)")
            }
            count = product
        }
        self.init(dimensions)
    }
}
