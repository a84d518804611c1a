import MIOTensor

/// Gives `body` the gradient before the activation, (rows, width): in the call's scratch memory, or where it has
/// none in memory of its own.
@inlinable
public func withActivationGradient<T: Scalar>(
    _ activation: Activation, _ call: BackwardCall<T>, rows: Int, width: Int,
    _ body: (UnsafePointer<T>) -> Void
) {
    if activation == .linear { return body(call.outputGradient) }
    func compute(in gradient: UnsafeMutablePointer<T>) {
        gradient.initialize(repeating: 0, count: rows * width)
        activation.addGradient(
            result: call.forward.output, gradient: call.outputGradient, to: gradient, rows: rows,
            width: width)
        body(gradient)
    }
    if let scratch = call.scratch { return compute(in: scratch) }
    withUnsafeTemporaryAllocation(of: T.self, capacity: rows * width) { buffer in
        if let gradient = buffer.baseAddress { compute(in: gradient) }
    }
}
