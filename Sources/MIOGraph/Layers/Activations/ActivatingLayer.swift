import MIOBase

/// A layer that is nothing but an activation of its one input.
public protocol ActivatingLayer: Layer {
    /// What it computes.
    var activation: Activation { get }
}

extension ActivatingLayer {
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

    public func forward<T: Scalar>(_ call: ForwardCall<T>) { activateForward(activation, call) }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) { activateBackward(activation, call) }
}

@_specialize(where T == Float)
@_specialize(where T == Double)
func activateForward<T: Scalar>(_ activation: Activation, _ call: ForwardCall<T>) {
    let count = call.samples * call.outputShape.count
    let width = call.outputShape.last
    call.output.update(from: call.inputs[0], count: count)
    activation.apply(call.output, rows: width == 0 ? 0 : count / width, width: width)
}

@_specialize(where T == Float)
@_specialize(where T == Double)
func activateBackward<T: Scalar>(_ activation: Activation, _ call: BackwardCall<T>) {
    guard let inputGradient = call.inputGradients[0] else { return }
    let count = call.samples * call.forward.outputShape.count
    let width = call.forward.outputShape.last
    activation.addGradient(
        argument: call.forward.inputs[0], result: call.forward.output, gradient: call.outputGradient,
        to: inputGradient, rows: width == 0 ? 0 : count / width, width: width)
}
