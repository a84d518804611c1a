import CDenseLoops
import MIOBase

/// The mean over the last axis of `prediction − target·log(prediction + ε)`, ε = 1e-7: what a count's target says of the
/// prediction as the mean of a Poisson distribution.
///
///     ∂loss/∂pⱼ = (1 − tⱼ ÷ (pⱼ + ε)) ÷ width
///
/// Source: https://keras.io/api/losses/probabilistic_losses/#poisson-class
public struct Poisson: ElementwiseLoss, Hashable {
    public static let className = "Poisson"
    public static let names = ["poisson"]

    public let reduction: LossReduction

    /// Keras' argument, with its default.
    public init(reduction: LossReduction = .sumOverBatchSize) { self.reduction = reduction }

    @inline(__always)
    public static func element<T: Scalar>(_ prediction: T, _ target: T) -> (loss: T, derivative: T) {
        let more = prediction + T(probabilityEpsilon)
        return (prediction - target * T.log(more), 1 - target / more)
    }

    public func forwardNative(_ call: LossCall<Float>) { call.elementwise(mio_poisson) }
}
