import MIOBase

/// How many numbers a call of a layer must know of the whole global batch before it can go on: sums over all samples of
/// all ranks.
///
/// A step is cut there into stages: every rank adds up its own samples' part, the parts are added up in the order of a
/// tree, and the call's `forward` or `backward` runs with the result.
public struct BatchSums: Hashable, Sendable {
    /// Before `forward`: what `addForwardSums` adds to.
    public var forward: Int
    /// Before `backward`: what `addBackwardSums` adds to.
    public var backward: Int

    /// The numbers that each sample adds to, forward and backward.
    public init(forward: Int, backward: Int) {
        self.forward = forward
        self.backward = backward
    }
}

extension Layer {
    public func batchSums(for inputs: [Shape]) -> BatchSums? { nil }

    public func addForwardSums<T: Scalar>(_ call: ForwardCall<T>, to sums: UnsafeMutablePointer<Double>) {
        preconditionFailure("\(Self.className) asks for no sums over the batch")
    }

    public func addBackwardSums<T: Scalar>(_ call: BackwardCall<T>, to sums: UnsafeMutablePointer<Double>) {
        preconditionFailure("\(Self.className) asks for no sums over the batch")
    }

    public func updateState(
        _ state: [UnsafeMutablePointer<Float>], inputShapes: [Shape], isMasked: Bool,
        sums: UnsafePointer<Double>
    ) {}
}
