import CDenseLoops
import MIOBase
import MIOConfig
import MIOGraph

/// The mean over the last axis of the crossentropy of independent yes-or-no answers.
///
/// Targets z are first smoothed: `z·(1 − label_smoothing) + ½·label_smoothing`. Then, of probabilities p
/// with c = p clipped to [ε, 1 − ε], ε = 1e-7:
///
///     loss = −z·log(c) − (1 − z)·log(1 − c)
///     ∂loss/∂p = (c − z) ÷ (c·(1 − c)), 0 where p was clipped
///
/// and of logits x, which loses nothing to clipping or cancellation:
///
///     loss = max(x, 0) − x·z + log(1 + exp(−|x|))
///     ∂loss/∂x = sigmoid(x) − z
///
/// Source: https://keras.io/api/losses/probabilistic_losses/#binarycrossentropy-class
public struct BinaryCrossentropy: Loss, Hashable {
    public static let className = "BinaryCrossentropy"
    public static let names = ["binary_crossentropy", "bce", "BCE"]
    public static var kerasArguments: [KerasArgument] { [.at(-1, named: "axis")] }

    public let fromLogits: Bool
    /// From 0 to 1.
    public let labelSmoothing: Double
    public let reduction: LossReduction

    /// - Precondition: `labelSmoothing` is from 0 to 1.
    public init(
        fromLogits: Bool = false, labelSmoothing: Double = 0, reduction: LossReduction = .sumOverBatchSize
    ) {
        precondition((0...1).contains(labelSmoothing), "label smoothing \(labelSmoothing) is not in 0...1")
        self.fromLogits = fromLogits
        self.labelSmoothing = labelSmoothing
        self.reduction = reduction
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        fromLogits = try reader.boolean("from_logits", default: false)
        labelSmoothing = try reader.real("label_smoothing", default: 0, in: 0...1)
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "from_logits": .boolean(fromLogits),
            "label_smoothing": .real(labelSmoothing), "reduction": reduction.configValue,
        ])
    }

    public var hasClassLabels: Bool { true }
    public var isElementwise: Bool { true }
    public var absorbs: Activation? { fromLogits ? nil : .sigmoid }

    public func readingLogits() -> BinaryCrossentropy {
        BinaryCrossentropy(fromLogits: true, labelSmoothing: labelSmoothing, reduction: reduction)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        let keep = T(1 - labelSmoothing)
        let shift = T(labelSmoothing / 2)
        if fromLogits {
            call.meanOverElements { logit, label in
                let target = label * keep + shift
                let loss = max(logit, 0) - logit * target + T.log(onePlus: T.exp(-abs(logit)))
                return (loss, sigmoid(logit) - target)
            }
            if let probabilities = call.probabilities {
                for index in 0..<call.positions * call.width {
                    probabilities[index] = sigmoid(call.predictions[index])
                }
            }
        } else {
            let low = T(probabilityEpsilon)
            let high = 1 - low
            call.meanOverElements { probability, label in
                let target = label * keep + shift
                let clipped = min(max(probability, low), high)
                let loss = -(target * T.log(clipped) + (1 - target) * T.log(1 - clipped))
                let inside = probability >= low && probability <= high
                return (loss, inside ? (clipped - target) / (clipped * (1 - clipped)) : 0)
            }
        }
    }

    /// Of probabilities the plain loop: an output's sigmoid is usually absorbed.
    public func forwardNative(_ call: LossCall<Float>) {
        guard fromLogits else { return forward(call) }
        call.elementwise(
            mio_binary_crossentropy,
            smoothing: mio_smoothing(keep: Float(1 - labelSmoothing), shift: Float(labelSmoothing / 2)))
    }
}

/// 1 ÷ (1 + exp(−x)), with an exponential that cannot overflow.
@inline(__always)
func sigmoid<T: Scalar>(_ x: T) -> T {
    let decay = T.exp(-abs(x))
    return x >= 0 ? 1 / (1 + decay) : decay / (1 + decay)
}
