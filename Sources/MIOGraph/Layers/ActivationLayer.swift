import MIOBase
import MIOConfig

/// Applies an activation to its input (Keras' `Activation`; the Swift name leaves that one to the function).
/// <https://keras.io/api/layers/core_layers/activation/>
public struct ActivationLayer: Layer {
    public static var className: String { "Activation" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// What ends the layer.
    public var activation: Activation

    /// A layer that does nothing but this activation.
    public init(_ activation: Activation, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.activation = activation
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        activation = try config.choice("activation")
    }

    public var config: ConfigDictionary { ["activation": .string(activation.rawValue)] }

    public var outputActivation: Activation? { activation }

    /// Any shape, unchanged.
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return inputs[0]
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(
            backwardReadsInputs: activation.gradientReadsArgument,
            backwardReadsOutput: !activation.gradientReadsArgument && activation != .linear)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let count = call.samples * call.outputShape.count
        let width = call.outputShape.last
        call.output.update(from: call.inputs[0], count: count)
        activation.apply(call.output, rows: width == 0 ? 0 : count / width, width: width)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let inputGradient = call.inputGradients[0] else { return }
        let count = call.samples * call.forward.outputShape.count
        let width = call.forward.outputShape.last
        activation.addGradient(
            argument: call.forward.inputs[0], result: call.forward.output, gradient: call.outputGradient,
            to: inputGradient,
            rows: width == 0 ? 0 : count / width, width: width)
    }
}
