import CDenseLoops
import MIOBase
import MIOConfig

/// Quadratic in small errors, linear in large ones. The mean over the last axis of, with e = prediction − target:
///
///     ½·e²                 where |e| ≤ delta
///     delta·|e| − ½·delta² elsewhere
///
///     ∂loss/∂pⱼ = eⱼ ÷ width, or delta·sign(eⱼ) ÷ width
///
/// Source: https://keras.io/api/losses/regression_losses/#huber-class
public struct Huber: Loss, Hashable {
    public static let className = "Huber"
    public static let names = ["huber"]

    /// Where the quadratic part ends and the linear one begins; above 0, in units of the target.
    public let delta: Double
    public let reduction: LossReduction

    /// - Precondition: `delta` is positive and finite.
    public init(delta: Double = 1, reduction: LossReduction = .sumOverBatchSize) {
        precondition(delta > 0 && delta.isFinite, "delta is \(delta), not a positive number")
        self.delta = delta
        self.reduction = reduction
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        let delta = try reader.real("delta", default: 1)
        guard delta > 0, delta.isFinite else {
            throw reader.error("delta", "expected a number above 0, found \(delta)")
        }
        self.init(delta: delta, reduction: try LossReduction(reading: &reader))
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "delta": .real(delta), "reduction": reduction.configValue,
        ])
    }

    public var isElementwise: Bool { true }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        let delta = T(self.delta)
        let halfSquare = delta * delta / 2
        call.meanOverElements { prediction, target in
            let error = prediction - target
            let size = abs(error)
            return size <= delta
                ? (error * error / 2, error)
                : (delta * size - halfSquare, error > 0 ? delta : -delta)
        }
    }

    public func forwardNative(_ call: LossCall<Float>) { call.elementwise(mio_huber, delta: Float(delta)) }
}
