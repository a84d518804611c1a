import MIOBase
import MIOConfig

/// Its input, as it is.
/// <https://keras.io/api/layers/core_layers/identity/>
public struct Identity: Layer {
    public static var className: String { "Identity" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes

    /// A layer that changes nothing.
    public init(name: String? = nil) { attributes = LayerAttributes(name: name) }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
    }

    public var config: ConfigDictionary { [:] }

    public var role: LayerRole { .alias }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return inputs[0]
    }

    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        try movedResults(for: inputs)
    }

    public func movedElements(of inputs: [Shape]) -> ((Int) -> (input: Int, element: Int))? { { (0, $0) } }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops { LayerFlops(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) { copyForward(call) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) { copyBackward(call) }
}
