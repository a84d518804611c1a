import CDenseLoops
import MIOBase

/// The mean over the last axis of `(log(max(prediction, ε) + 1) − log(max(target, ε) + 1))²`, ε = 1e-7.
///
///     ∂loss/∂pⱼ = 2·(log(pⱼ + 1) − log(max(tⱼ, ε) + 1)) ÷ (pⱼ + 1) ÷ width, 0 where pⱼ is below ε
///
/// Source: https://keras.io/api/losses/regression_losses/#meansquaredlogarithmicerror-class
public struct MeanSquaredLogarithmicError: ElementwiseLoss, Hashable {
    public static let className = "MeanSquaredLogarithmicError"
    public static let names = ["mean_squared_logarithmic_error", "msle", "MSLE"]

    public let reduction: LossReduction

    /// Keras' argument, with its default.
    public init(reduction: LossReduction = .sumOverBatchSize) { self.reduction = reduction }

    @inline(__always)
    public static func element<T: Scalar>(_ prediction: T, _ target: T) -> (loss: T, derivative: T) {
        let low = T(probabilityEpsilon)
        // Not `max`, which would pass over a NaN.
        let more = (prediction < low ? low : prediction) + 1
        let difference = T.log(more) - T.log(max(target, low) + 1)
        return (difference * difference, prediction < low ? 0 : 2 * difference / more)
    }

    public func forwardNative(_ call: LossCall<Float>) { call.elementwise(mio_squared_logarithmic_error) }
}
