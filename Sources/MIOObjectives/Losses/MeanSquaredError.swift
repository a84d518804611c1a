import CDenseLoops
import MIOBase

/// `mean((prediction − target)²)` over the last axis.
///
///     ∂loss/∂pⱼ = 2·(pⱼ − tⱼ) ÷ width
///
/// Source: https://keras.io/api/losses/regression_losses/#meansquarederror-class
public struct MeanSquaredError: ElementwiseLoss, Hashable {
    public static let className = "MeanSquaredError"
    public static let names = ["mean_squared_error", "mse", "MSE"]

    public let reduction: LossReduction

    /// Keras' argument, with its default.
    public init(reduction: LossReduction = .sumOverBatchSize) { self.reduction = reduction }

    @inline(__always)
    public static func element<T: Scalar>(_ prediction: T, _ target: T) -> (loss: T, derivative: T) {
        let error = prediction - target
        return (error * error, 2 * error)
    }

    public func forwardNative(_ call: LossCall<Float>) { call.elementwise(mio_squared_error) }
}
