import MIOBase
import MIOConfig

/// Where a model's data enters. <https://keras.io/api/layers/core_layers/input/>
package struct InputLayer: Layer {
    package static var className: String { "InputLayer" }
    package static var kerasArguments: [KerasArgument] { .ofInputs }
    /// The name, and whether the weights are trained.
    package let attributes: LayerAttributes
    package let shape: Shape
    package let dtype: TensorElement

    package init(attributes: LayerAttributes, shape: Shape, dtype: TensorElement = .float32) {
        self.attributes = attributes
        self.shape = shape
        self.dtype = dtype
    }

    package init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        let dtype = try Self.dtype(&config)
        // As Keras' own configurations have it: the batch's size first.
        if case .list(let batch)? = config.unlisted("batch_shape") {
            guard batch.first == .null, config.value("shape") == nil else {
                throw config.error(
                    "batch_shape",
                    "expected null for the size of a batch, then the shape of a sample, and no shape beside it; "
                        + "found \(ConfigValue.list(batch).json())")
            }
            config = config.replacing("batch_shape", with: .list(Array(batch.dropFirst())))
            self.init(
                attributes: attributes, shape: try Shape(reading: "batch_shape", from: &config), dtype: dtype)
        } else {
            self.init(attributes: attributes, shape: try Shape(reading: "shape", from: &config), dtype: dtype)
        }
        if let name = config.unlisted("name"), name != attributes.name.map(ConfigValue.string) {
            throw config.error(
                "name",
                "the input is called \(quoted: attributes.name ?? "") by its key; found \(name.summary). Remove it"
            )
        }
        try config.accept(.ofEveryLayer + Self.kerasArguments)
    }

    /// Whole numbers are kept as int32, whatever their width in Keras; the data's are checked when they are read.
    private static func dtype(_ config: inout ConfigReader) throws(ConfigError) -> TensorElement {
        guard case .string(let name)? = config.unlisted("dtype"),
            TensorElement.namesOfIntegers.contains(name)
        else {
            return .float32
        }
        config = config.replacing("dtype", with: .string("float32"))
        return .int32
    }

    package var config: ConfigDictionary {
        var config: ConfigDictionary = ["shape": ConfigValue(shape.dimensions)]
        if dtype != .float32 { config["dtype"] = .string(dtype.rawValue) }
        return config
    }

    package var role: LayerRole { .input }

    package func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.isEmpty else { throw ShapeError(expected: "no input", received: inputs) }
        return shape
    }

    package func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        [TensorSpec(try outputShape(for: inputs.map(\.shape)), dtype)]
    }

    /// The batch is already in place.
    package func forward<T: Scalar>(_ call: ForwardCall<T>) {}
    package func backward<T: Scalar>(_ call: BackwardCall<T>) {}
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
