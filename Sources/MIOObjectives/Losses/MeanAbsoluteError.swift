import CDenseLoops
import MIOBase

/// `mean(|prediction − target|)` over the last axis.
///
///     ∂loss/∂pⱼ = sign(pⱼ − tⱼ) ÷ width, 0 where they are equal
///
/// Source: https://keras.io/api/losses/regression_losses/#meanabsoluteerror-class
public struct MeanAbsoluteError: ElementwiseLoss, Hashable {
    public static let className = "MeanAbsoluteError"
    public static let names = ["mean_absolute_error", "mae", "MAE"]

    public let reduction: LossReduction

    /// Keras' argument, with its default.
    public init(reduction: LossReduction = .sumOverBatchSize) { self.reduction = reduction }

    @inline(__always)
    public static func element<T: Scalar>(_ prediction: T, _ target: T) -> (loss: T, derivative: T) {
        let error = prediction - target
        return (abs(error), error > 0 ? 1 : error < 0 ? -1 : 0)
    }

    public func forwardNative(_ call: LossCall<Float>) { call.elementwise(mio_absolute_error) }
}
