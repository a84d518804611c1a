import CDenseLoops
import MIOBase

/// The mean over the last axis of `100·|prediction − target| ÷ max(|target|, ε)`, ε = 1e-7.
///
///     ∂loss/∂pⱼ = 100·sign(pⱼ − tⱼ) ÷ max(|tⱼ|, ε) ÷ width, 0 where they are equal
///
/// Source: https://keras.io/api/losses/regression_losses/#meanabsolutepercentageerror-class
public struct MeanAbsolutePercentageError: ElementwiseLoss, Hashable {
    public static let className = "MeanAbsolutePercentageError"
    public static let names = ["mean_absolute_percentage_error", "mape", "MAPE"]

    public let reduction: LossReduction

    /// Keras' argument, with its default.
    public init(reduction: LossReduction = .sumOverBatchSize) { self.reduction = reduction }

    @inline(__always)
    public static func element<T: Scalar>(_ prediction: T, _ target: T) -> (loss: T, derivative: T) {
        let error = prediction - target
        let factor = 100 / max(abs(target), T(probabilityEpsilon))
        return (abs(error) * factor, error > 0 ? factor : error < 0 ? -factor : 0)
    }

    public func forwardNative(_ call: LossCall<Float>) { call.elementwise(mio_absolute_percentage_error) }
}
