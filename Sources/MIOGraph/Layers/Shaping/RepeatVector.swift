import MIOBase
import MIOConfig

/// A vector `n` times, as steps of a sequence.
/// <https://keras.io/api/layers/reshaping_layers/repeat_vector/>
public struct RepeatVector: RearrangingLayer {
    public static var className: String { "RepeatVector" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The steps of the result.
    public let n: Int

    /// Repeats a vector so many times.
    public init(_ n: Int, name: String? = nil) {
        precondition(n > 0, "a vector is repeated at least once")
        attributes = LayerAttributes(name: name)
        self.n = n
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        n = try config.integer("n", atLeast: 1, atMost: Self.largestArgument)
    }

    public var config: ConfigDictionary { ["n": .integer(n)] }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank == 1 else {
            throw ShapeError(expected: "one tensor (features,)", received: inputs)
        }
        return [n, inputs[0][0]]
    }

    public func places(of input: Shape) -> RearrangedElements {
        RearrangedElements(Rearrangement(sizes: [n, input[0]], strides: [0, 1]))
    }
}
