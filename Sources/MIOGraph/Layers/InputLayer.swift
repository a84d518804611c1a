import MIOConfig
import MIOTensor

/// Where a model's data enters. <https://keras.io/api/layers/core_layers/input/>
public struct InputLayer: Layer {
    public static var className: String { "InputLayer" }
    public static var kerasArguments: [KerasArgument] { .ofInputs }
    public let attributes: LayerAttributes
    public let shape: Shape

    public init(attributes: LayerAttributes, shape: Shape) {
        self.attributes = attributes
        self.shape = shape
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        // As Keras' own configurations have it: the batch's size first.
        if case .list(let batch)? = config.unlisted("batch_shape") {
            guard batch.first == .null, config.value("shape") == nil else {
                throw config.error(
                    "batch_shape",
                    "expected null for the size of a batch, then the shape of a sample, and no shape beside it; "
                        + "found \(ConfigValue.list(batch).json())")
            }
            config = config.replacing("batch_shape", with: .list(Array(batch.dropFirst())))
            self.init(attributes: attributes, shape: try Shape(reading: "batch_shape", from: &config))
        } else {
            self.init(attributes: attributes, shape: try Shape(reading: "shape", from: &config))
        }
        if let name = config.unlisted("name"), name != attributes.name.map(ConfigValue.string) {
            throw config.error(
                "name",
                "the input is called \(quoted: attributes.name ?? "") by its key; found \(name.summary). Remove it"
            )
        }
        try config.accept(.ofEveryLayer + Self.kerasArguments)
    }

    public var config: ConfigDictionary { ["shape": ConfigValue(shape.dimensions)] }

    public var role: LayerRole { .input }

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
