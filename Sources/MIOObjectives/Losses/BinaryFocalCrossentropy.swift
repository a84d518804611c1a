import CDenseLoops
import MIOBase
import MIOConfig
import MIOGraph

/// The mean over the last axis of binary crossentropies, in which answers that are nearly right count little.
///
/// Targets z are first smoothed: `z·(1 − label_smoothing) + ½·label_smoothing`. With p the probability, B the binary
/// crossentropy of p (clipped as `BinaryCrossentropy` clips it) or of the logit, and q the distance from the truth:
///
///     q = z·(1 − p) + (1 − z)·p
///     loss = b·q^gamma·B
///     b = alpha·z + (1 − alpha)·(1 − z) with apply_class_balancing, else 1
///     ∂loss/∂p = b·(q^gamma·∂B/∂p + gamma·q^(gamma − 1)·(1 − 2·z)·B)
///
/// Source: https://keras.io/api/losses/probabilistic_losses/#binaryfocalcrossentropy-class; Lin and others,
/// https://arxiv.org/abs/1708.02002
public struct BinaryFocalCrossentropy: Loss, Hashable {
    public static let className = "BinaryFocalCrossentropy"
    public static let names = ["binary_focal_crossentropy"]
    public static var kerasArguments: [KerasArgument] { [.at(-1, named: "axis")] }

    /// Whether positives count `alpha` times and negatives `1 − alpha` times.
    public let applyClassBalancing: Bool
    /// The weight of positives with `applyClassBalancing`.
    public let alpha: Double
    /// How little easy answers count; not negative, 0 for all alike.
    public let gamma: Double
    public let fromLogits: Bool
    /// From 0 to 1.
    public let labelSmoothing: Double
    public let reduction: LossReduction

    /// - Precondition: `gamma` is not negative; `labelSmoothing` is from 0 to 1.
    public init(
        applyClassBalancing: Bool = false, alpha: Double = 0.25, gamma: Double = 2, fromLogits: Bool = false,
        labelSmoothing: Double = 0, reduction: LossReduction = .sumOverBatchSize
    ) {
        precondition(gamma >= 0, "gamma \(gamma) is negative")
        precondition((0...1).contains(labelSmoothing), "label smoothing \(labelSmoothing) is not in 0...1")
        self.applyClassBalancing = applyClassBalancing
        self.alpha = alpha
        self.gamma = gamma
        self.fromLogits = fromLogits
        self.labelSmoothing = labelSmoothing
        self.reduction = reduction
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        applyClassBalancing = try reader.boolean("apply_class_balancing", default: false)
        alpha = try reader.real("alpha", default: 0.25)
        gamma = try reader.real("gamma", default: 2, in: 0 ... .infinity)
        fromLogits = try reader.boolean("from_logits", default: false)
        labelSmoothing = try reader.real("label_smoothing", default: 0, in: 0...1)
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "apply_class_balancing": .boolean(applyClassBalancing),
            "alpha": .real(alpha), "gamma": .real(gamma), "from_logits": .boolean(fromLogits),
            "label_smoothing": .real(labelSmoothing), "reduction": reduction.configValue,
        ])
    }

    public var hasClassLabels: Bool { true }
    public var isElementwise: Bool { true }
    public var absorbs: Activation? { fromLogits ? nil : .sigmoid }

    public func readingLogits() -> BinaryFocalCrossentropy {
        BinaryFocalCrossentropy(
            applyClassBalancing: applyClassBalancing, alpha: alpha, gamma: gamma, fromLogits: true,
            labelSmoothing: labelSmoothing, reduction: reduction)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        let keep = T(1 - labelSmoothing)
        let shift = T(labelSmoothing / 2)
        if fromLogits {
            call.meanOverElements { logit, label in
                let z = label * keep + shift
                let p = sigmoid(logit)
                let loss = max(logit, 0) - logit * z + T.log(onePlus: T.exp(-abs(logit)))
                return focused(loss, slope: p - z, p, z, slopeOfProbability: p * (1 - p))
            }
            if let probabilities = call.probabilities {
                for index in 0..<call.positions * call.width {
                    probabilities[index] = sigmoid(call.predictions[index])
                }
            }
        } else {
            let low = T(probabilityEpsilon)
            let high = 1 - low
            call.meanOverElements { p, label in
                let z = label * keep + shift
                let clipped = min(max(p, low), high)
                let loss = -(z * T.log(clipped) + (1 - z) * T.log(1 - clipped))
                let inside = p >= low && p <= high
                return focused(
                    loss, slope: inside ? (clipped - z) / (clipped * (1 - clipped)) : 0, p, z,
                    slopeOfProbability: 1)
            }
        }
    }

    /// - Parameters:
    ///   - slope: the crossentropy's derivative by the prediction.
    ///   - slopeOfProbability: the probability's derivative by the prediction.
    @inline(__always)
    private func focused<T: Scalar>(_ loss: T, slope: T, _ p: T, _ z: T, slopeOfProbability: T) -> (
        loss: T, derivative: T
    ) {
        let q = z * (1 - p) + (1 - z) * p
        let balance = applyClassBalancing ? T(alpha) * z + (1 - T(alpha)) * (1 - z) : 1
        let (power, derivative) = powerAndDerivative(q, T(gamma))
        return (
            balance * power * loss,
            balance * (power * slope + derivative * (1 - 2 * z) * loss * slopeOfProbability)
        )
    }

    /// Of logits, and a power of at least 1 or none: others have slopes beyond all bounds.
    public func forwardNative(_ call: LossCall<Float>) {
        guard fromLogits, gamma >= 1 || gamma == 0 else { return forward(call) }
        call.elementwise(
            mio_binary_focal_crossentropy,
            smoothing: mio_smoothing(keep: Float(1 - labelSmoothing), shift: Float(labelSmoothing / 2)),
            focus: mio_focus(gamma: Float(gamma), alpha: Float(alpha), balances: applyClassBalancing))
    }
}

/// q^gamma and its derivative by q, for q of at least 0.
@inline(__always)
func powerAndDerivative<T: Scalar>(_ q: T, _ gamma: T) -> (value: T, derivative: T) {
    if gamma == 2 { return (q * q, 2 * q) }
    if gamma == 1 { return (q, 1) }
    if gamma == 0 { return (1, 0) }
    return (T.pow(q, gamma), gamma * T.pow(q, gamma - 1))
}
