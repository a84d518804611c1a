import CDenseLoops
import MIOBase

/// The mean over the last axis of `max(1 − target·prediction, 0)`.
///
/// Targets are −1 or 1; a target of 0 stands for −1. Keras makes −1 of 0 only in batches whose targets are all 0 or 1,
/// so that a batch decides about its samples' losses; mio always does.
///
///     ∂loss/∂pⱼ = −tⱼ ÷ width, 0 where tⱼ·pⱼ is above 1
///
/// Source: https://keras.io/api/losses/hinge_losses/#hinge-class
public struct Hinge: ElementwiseLoss, Hashable {
    public static let className = "Hinge"
    public static let names = ["hinge"]

    public let reduction: LossReduction

    /// Keras' argument, with its default.
    public init(reduction: LossReduction = .sumOverBatchSize) { self.reduction = reduction }

    @inline(__always)
    public static func element<T: Scalar>(_ prediction: T, _ target: T) -> (loss: T, derivative: T) {
        let side = target == 0 ? -1 : target
        let rest = 1 - side * prediction
        return rest < 0 ? (0, 0) : (rest, -side)
    }

    public func forwardNative(_ call: LossCall<Float>) { call.elementwise(mio_hinge) }
}
