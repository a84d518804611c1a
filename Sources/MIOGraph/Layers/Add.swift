import MIOBase
import MIOConfig

/// The sum of tensors of one shape. <https://keras.io/api/layers/merging_layers/add/>
public struct Add: Layer {
    public static var className: String { "Add" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes

    /// Adds tensors of one shape.
    public init(name: String? = nil) { attributes = LayerAttributes(name: name) }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
    }

    public var config: ConfigDictionary { [:] }

    /// Equal shapes: Keras' broadcasting is refused, it hides mistakes more often than it helps.
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count >= 2, inputs.allSatisfy({ $0 == inputs[0] }) else {
            throw ShapeError(expected: "two tensors or more of one shape", received: inputs)
        }
        return inputs[0]
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .any }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let count = call.samples * call.outputShape.count
        call.output.update(from: call.inputs[0], count: count)
        for x in call.inputs.dropFirst() {
            for i in 0..<count { call.output[i] += x[i] }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        for case let dx? in call.inputGradients {
            for i in 0..<call.samples * call.forward.outputShape.count { dx[i] += call.outputGradient[i] }
        }
    }
}

/// Keras' functional form of `Add`.
public func add(_ inputs: [SymbolicTensor], name: String? = nil) -> SymbolicTensor { Add(name: name)(inputs) }
