import MIOBase
import MIOConfig

/// The axes of a sample in another order.
/// <https://keras.io/api/layers/reshaping_layers/permute/>
public struct Permute: RearrangingLayer {
    public static var className: String { "Permute" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// For each axis of the result the one of the input that it is, counted from 1.
    public let dims: [Int]

    /// - Precondition: `dims` are the numbers from 1 on, each once.
    public init(_ dims: [Int], name: String? = nil) {
        precondition(dims.sorted() == Array(1..<dims.count + 1), "dims are the axes of a sample, from 1 on")
        attributes = LayerAttributes(name: name)
        self.dims = dims
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        dims = try config.integerList("dims")
        guard dims.sorted() == Array(1..<dims.count + 1) else {
            throw config.error(
                "dims",
                "expected the axes of a sample, from 1 on and each once, found \(ConfigValue(dims).json())")
        }
    }

    public var config: ConfigDictionary { ["dims": ConfigValue(dims)] }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank == dims.count else {
            throw ShapeError(expected: "one tensor of \(dims.count) axes", received: inputs)
        }
        return Shape(dims.map { inputs[0][$0 - 1] })
    }

    public func places(of input: Shape) -> RearrangedElements {
        RearrangedElements(Rearrangement(permuting: input, by: dims.map { $0 - 1 }))
    }
}
