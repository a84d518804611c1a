import CDenseLoops
import MIOBase

/// The mean over the last axis of `log(cosh(e))`, e = prediction − target: nearly ½·e² where |e| is small, and nearly
/// |e| − log 2 where it is large.
///
/// It is computed as `|e| + log(1 + exp(−2·|e|)) − log 2`, which cannot overflow.
///
///     ∂loss/∂pⱼ = tanh(eⱼ) ÷ width
///
/// Source: https://keras.io/api/losses/regression_losses/#logcosh-class
public struct LogCosh: ElementwiseLoss, Hashable {
    public static let className = "LogCosh"
    public static let names = ["log_cosh", "logcosh"]

    public let reduction: LossReduction

    /// Keras' argument, with its default.
    public init(reduction: LossReduction = .sumOverBatchSize) { self.reduction = reduction }

    @inline(__always)
    public static func element<T: Scalar>(_ prediction: T, _ target: T) -> (loss: T, derivative: T) {
        let error = prediction - target
        let size = abs(error)
        return (size + T.log(onePlus: T.exp(-2 * size)) - T.log(2), T.tanh(error))
    }

    public func forwardNative(_ call: LossCall<Float>) { call.elementwise(mio_log_cosh) }
}
