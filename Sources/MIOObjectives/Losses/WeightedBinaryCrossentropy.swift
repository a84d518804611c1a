import CDenseLoops
import MIOBase
import MIOConfig
import MIOGraph

/// The mean over the last axis of binary crossentropies in which positives count `positive_weight` times: for answers that
/// are rarely yes.
///
/// Targets z are first smoothed: `z·(1 − label_smoothing) + ½·label_smoothing`. With w = positive_weight, one number or one
/// for each unit; of probabilities p with c = p clipped to [ε, 1 − ε], ε = 1e-7:
///
///     loss = −w·z·log(c) − (1 − z)·log(1 − c)
///     ∂loss/∂p = −w·z ÷ c + (1 − z) ÷ (1 − c), 0 where p was clipped
///
/// and of logits x, with l = 1 + (w − 1)·z:
///
///     loss = (1 − z)·x + l·(log(1 + exp(−|x|)) + max(−x, 0))
///     ∂loss/∂x = 1 − z − l·(1 − sigmoid(x))
///
/// Keras has no such loss; the formula is that of `tf.nn.weighted_cross_entropy_with_logits` and PyTorch's
/// `BCEWithLogitsLoss(pos_weight=…)`.
public struct WeightedBinaryCrossentropy: Loss, Hashable {
    public static let className = "WeightedBinaryCrossentropy"
    public static let names = ["weighted_binary_crossentropy"]

    private let weights: PlaceFactors
    /// The weight of positives of all units, or of each.
    public var positiveWeight: [Double] { weights.values }
    public let fromLogits: Bool
    /// From 0 to 1.
    public let labelSmoothing: Double
    public let reduction: LossReduction

    /// - Parameter positiveWeight: one number for all units, or one for each.
    /// - Precondition: there is a weight, none is negative; `labelSmoothing` is from 0 to 1.
    public init(
        positiveWeight: [Double], fromLogits: Bool = false, labelSmoothing: Double = 0,
        reduction: LossReduction = .sumOverBatchSize
    ) {
        precondition(positiveWeight.allSatisfy { $0 >= 0 && $0.isFinite }, "weights \(positiveWeight)")
        precondition((0...1).contains(labelSmoothing), "label smoothing \(labelSmoothing) is not in 0...1")
        weights = PlaceFactors(positiveWeight)
        self.fromLogits = fromLogits
        self.labelSmoothing = labelSmoothing
        self.reduction = reduction
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        _ = try reader.required("positive_weight")
        weights = try reader.placeFactors(
            "positive_weight", default: 1,
            expected: "a number of at least 0, or a list with one for each unit"
        ) { $0 >= 0 && $0.isFinite }
        fromLogits = try reader.boolean("from_logits", default: false)
        labelSmoothing = try reader.real("label_smoothing", default: 0, in: 0...1)
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "positive_weight": weights.config,
            "from_logits": .boolean(fromLogits), "label_smoothing": .real(labelSmoothing),
            "reduction": reduction.configValue,
        ])
    }

    public var hasClassLabels: Bool { true }
    public var isElementwise: Bool { true }
    public var absorbs: Activation? { fromLogits ? nil : .sigmoid }

    public func readingLogits() -> WeightedBinaryCrossentropy {
        WeightedBinaryCrossentropy(
            positiveWeight: positiveWeight, fromLogits: true, labelSmoothing: labelSmoothing,
            reduction: reduction)
    }

    public func targetShape(forPrediction prediction: Shape) throws(LossShapeError) -> Shape {
        try weights.requireFit(prediction, loss: Self.names[0], argument: "positive_weight")
        return prediction
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        let keep = T(1 - labelSmoothing)
        let shift = T(labelSmoothing / 2)
        if fromLogits {
            call.meanOverPlacedElements { place, logit, label in
                let z = label * keep + shift
                let share = 1 + (T(weights[place]) - 1) * z
                let loss = T.log(onePlus: T.exp(-abs(logit))) + (logit < 0 ? -logit : 0)
                return ((1 - z) * logit + share * loss, 1 - z - share * (1 - sigmoid(logit)))
            }
            if let probabilities = call.probabilities {
                for index in 0..<call.positions * call.width {
                    probabilities[index] = sigmoid(call.predictions[index])
                }
            }
        } else {
            let low = T(probabilityEpsilon)
            let high = 1 - low
            call.meanOverPlacedElements { place, probability, label in
                let z = label * keep + shift
                let weighted = T(weights[place]) * z
                let clipped = min(max(probability, low), high)
                let loss = -(weighted * T.log(clipped) + (1 - z) * T.log(1 - clipped))
                let isInside = probability >= low && probability <= high
                return (loss, isInside ? (1 - z) / (1 - clipped) - weighted / clipped : 0)
            }
        }
    }

    /// Of probabilities the plain loop: an output's sigmoid is usually absorbed.
    public func forwardNative(_ call: LossCall<Float>) {
        guard fromLogits else { return forward(call) }
        call.elementwise(
            mio_weighted_binary_crossentropy,
            smoothing: mio_smoothing(keep: Float(1 - labelSmoothing), shift: Float(labelSmoothing / 2)),
            factors: weights)
    }
}
