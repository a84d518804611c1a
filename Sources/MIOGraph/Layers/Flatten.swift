import MIOBase
import MIOConfig

/// All axes as one, in row-major order. <https://keras.io/api/layers/reshaping_layers/flatten/>
public struct Flatten: Layer {
    public static var className: String { "Flatten" }
    public static var kerasArguments: [KerasArgument] { .ofImages }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes

    /// Makes one axis of all.
    public init(name: String? = nil) { attributes = LayerAttributes(name: name) }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
    }

    public var config: ConfigDictionary { [:] }

    public var role: LayerRole { .alias }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return [inputs[0].count]
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) { copyForward(call) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) { copyBackward(call) }
}
