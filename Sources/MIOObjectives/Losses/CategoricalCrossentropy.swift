import CDenseLoops
import MIOBase
import MIOConfig
import MIOGraph

/// The crossentropy of one choice among classes, with a row of target probabilities (one-hot, mostly).
///
/// Targets t are first smoothed: `t·(1 − label_smoothing) + label_smoothing ÷ classes`. Then, of
/// probabilities p with q = p ÷ Σp and c = q clipped to [ε, 1 − ε], ε = 1e-7:
///
///     loss = −Σ tᵢ·log(cᵢ)
///     ∂loss/∂pⱼ = (dⱼ − Σ dᵢ·qᵢ) ÷ Σp,  dᵢ = −tᵢ ÷ cᵢ, 0 where qᵢ was clipped
///
/// and of logits x, with y = softmax(x) and lse = log Σ exp(xᵢ):
///
///     loss = Σ tᵢ·(lse − xᵢ)
///     ∂loss/∂xⱼ = yⱼ·Σt − tⱼ
///
/// Source: https://keras.io/api/losses/probabilistic_losses/#categoricalcrossentropy-class
public struct CategoricalCrossentropy: Loss, Hashable {
    public static let className = "CategoricalCrossentropy"
    public static let names = ["categorical_crossentropy"]
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

    /// What targets are.
    public var targetKind: TargetKind { .classShares }
    public var isElementwise: Bool { false }
    public var absorbs: Activation? { fromLogits ? nil : .softmax }

    public func readingLogits() -> CategoricalCrossentropy {
        CategoricalCrossentropy(fromLogits: true, labelSmoothing: labelSmoothing, reduction: reduction)
    }

    public func targetShape(forPrediction prediction: Shape) throws(LossShapeError) -> Shape {
        try requireClasses(of: prediction, loss: Self.names[0])
        return prediction
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        let keep = T(1 - labelSmoothing)
        let shift = T(labelSmoothing) / T(call.width)
        if fromLogits { forwardLogits(call, keep, shift) } else { forwardProbabilities(call, keep, shift) }
    }

    /// Of probabilities the plain loop: an output's softmax is usually absorbed.
    public func forwardNative(_ call: LossCall<Float>) {
        guard fromLogits else { return forward(call) }
        var smoothing = mio_smoothing(
            keep: Float(1 - labelSmoothing), shift: Float(labelSmoothing) / Float(call.width))
        call.inVectors { mio_categorical_crossentropy($0, &smoothing) }
    }

    @inline(__always)
    private func forwardLogits<T: Scalar>(_ call: LossCall<T>, _ keep: T, _ shift: T) {
        let width = call.width
        for position in 0..<call.positions {
            let offset = position * width
            let isLabelled = call.labelled[position] != 0
            guard isLabelled || call.probabilities != nil else {
                call.skip(position)
                continue
            }
            let logSum = call.softmax(position)
            guard isLabelled else {
                call.skip(position)
                continue
            }
            call.losses[position] = call.sumOfRow(offset) { index in
                let target = T(call.targets[index]) * keep + shift
                // A class that is ruled out (logit −∞) may have target 0: that is no loss, not 0 × ∞.
                return target == 0 ? 0 : target * (logSum - call.predictions[index])
            }
            if let gradient = call.gradient {
                let scale = call.scales[position]
                let targetSum = call.sumOfRow(offset) { T(call.targets[$0]) * keep + shift }
                for index in offset..<offset + width {
                    let target = T(call.targets[index]) * keep + shift
                    gradient[index] = scale * (gradient[index] * targetSum - target)
                }
            }
        }
    }

    @inline(__always)
    private func forwardProbabilities<T: Scalar>(_ call: LossCall<T>, _ keep: T, _ shift: T) {
        let width = call.width
        let low = T(probabilityEpsilon)
        let high = 1 - low
        for position in 0..<call.positions {
            guard call.labelled[position] != 0 else {
                call.skip(position)
                continue
            }
            let offset = position * width
            let sum = call.sumOfRow(offset) { call.predictions[$0] }
            call.losses[position] = call.sumOfRow(offset) { index in
                let target = T(call.targets[index]) * keep + shift
                let share = call.predictions[index] / sum
                let clipped = min(max(share, low), high)
                call.gradient?[index] = share >= low && share <= high ? -target / clipped : 0
                return -target * T.log(clipped)
            }
            if let gradient = call.gradient {
                let factor = call.scales[position] / sum
                let weighted = call.sumOfRow(offset) { gradient[$0] * (call.predictions[$0] / sum) }
                for index in offset..<offset + width {
                    gradient[index] = factor * (gradient[index] - weighted)
                }
            }
        }
    }
}
