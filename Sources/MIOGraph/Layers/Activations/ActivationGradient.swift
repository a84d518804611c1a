import MIOBase

/// Puts f(z) in the place of z, which lies in the call's output as (rows, width); keeps z if the gradient will need it.
/// The layer's memory is `LayerMemory.activated(by:output:)`.
@inlinable
public func applyActivation<T: Scalar>(
    _ activation: Activation, _ call: ForwardCall<T>, rows: Int, width: Int
) {
    if activation.gradientReadsArgument { call.kept.update(from: call.output, count: rows * width) }
    activation.apply(call.output, rows: rows, width: width)
}

/// Gives `body` the gradient before the activation, (rows, width).
@inlinable
public func withActivationGradient<T: Scalar>(
    _ activation: Activation, _ call: BackwardCall<T>, rows: Int, width: Int,
    _ body: (UnsafePointer<T>) -> Void
) {
    if activation == .linear { return body(call.outputGradient) }
    let gradient = call.scratch
    gradient.update(repeating: 0, count: rows * width)
    activation.addGradient(
        argument: activation.gradientReadsArgument ? call.kept : nil, result: call.forward.output,
        gradient: call.outputGradient, to: gradient, rows: rows, width: width)
    body(gradient)
}
