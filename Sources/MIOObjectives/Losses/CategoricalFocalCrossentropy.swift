import MIOBase
import MIOConfig
import MIOGraph

/// The crossentropy of one choice among classes, in which answers that are nearly right count little. Targets t are
/// one-hot rows.
///
/// Targets are first smoothed: `t·(1 − label_smoothing) + label_smoothing ÷ classes`. Of probabilities p, with q = p ÷ Σp
/// and c = q clipped to [ε, 1 − ε], ε = 1e-7; of logits p = softmax(x):
///
///     loss = Σ alphaᵢ·(1 − cᵢ)^gamma·(−tᵢ·log(cᵢ))
///     dᵢ = ∂loss/∂cᵢ = alphaᵢ·tᵢ·(gamma·(1 − cᵢ)^(gamma − 1)·log(cᵢ) − (1 − cᵢ)^gamma ÷ cᵢ), 0 where qᵢ was clipped
///     ∂loss/∂pⱼ = (dⱼ − Σ dᵢ·qᵢ) ÷ Σp,  ∂loss/∂xⱼ = qⱼ·(dⱼ − Σ dᵢ·qᵢ)
///
/// Source: https://keras.io/api/losses/probabilistic_losses/#categoricalfocalcrossentropy-class; Lin and others,
/// https://arxiv.org/abs/1708.02002
public struct CategoricalFocalCrossentropy: Loss, Hashable {
    public static let className = "CategoricalFocalCrossentropy"
    public static let names = ["categorical_focal_crossentropy"]
    public static var kerasArguments: [KerasArgument] { [.at(-1, named: "axis")] }

    private let factors: PlaceFactors
    /// The weight of all classes, or of each.
    public var alpha: [Double] { factors.values }
    /// How little easy answers count; not negative, 0 for all alike.
    public let gamma: Double
    public let fromLogits: Bool
    /// From 0 to 1.
    public let labelSmoothing: Double
    public let reduction: LossReduction

    /// - Parameter alpha: one number for all classes, or one for each.
    /// - Precondition: there is an `alpha`; `gamma` is not negative; `labelSmoothing` is from 0 to 1.
    public init(
        alpha: [Double] = [0.25], gamma: Double = 2, fromLogits: Bool = false, labelSmoothing: Double = 0,
        reduction: LossReduction = .sumOverBatchSize
    ) {
        precondition(gamma >= 0, "gamma \(gamma) is negative")
        precondition((0...1).contains(labelSmoothing), "label smoothing \(labelSmoothing) is not in 0...1")
        factors = PlaceFactors(alpha)
        self.gamma = gamma
        self.fromLogits = fromLogits
        self.labelSmoothing = labelSmoothing
        self.reduction = reduction
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        factors = try reader.placeFactors(
            "alpha", default: 0.25, expected: "a number of at least 0, or a list with one for each class"
        ) { $0 >= 0 && $0.isFinite }
        gamma = try reader.real("gamma", default: 2, in: 0 ... .infinity)
        fromLogits = try reader.boolean("from_logits", default: false)
        labelSmoothing = try reader.real("label_smoothing", default: 0, in: 0...1)
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "alpha": factors.config, "gamma": .real(gamma),
            "from_logits": .boolean(fromLogits), "label_smoothing": .real(labelSmoothing),
            "reduction": reduction.configValue,
        ])
    }

    /// What targets are.
    public var targetKind: TargetKind { .classShares }
    public var isElementwise: Bool { false }
    public var absorbs: Activation? { fromLogits ? nil : .softmax }

    public func readingLogits() -> CategoricalFocalCrossentropy {
        CategoricalFocalCrossentropy(
            alpha: alpha, gamma: gamma, fromLogits: true, labelSmoothing: labelSmoothing, reduction: reduction
        )
    }

    public func targetShape(forPrediction prediction: Shape) throws(LossShapeError) -> Shape {
        try requireClasses(of: prediction, loss: Self.names[0])
        try factors.requireFit(prediction, loss: Self.names[0], argument: "alpha")
        return prediction
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        let width = call.width
        let keep = T(1 - labelSmoothing)
        let shift = T(labelSmoothing) / T(width)
        let low = T(probabilityEpsilon)
        let high = 1 - low
        for position in 0..<call.positions {
            let offset = position * width
            let isLabelled = call.labelled[position] != 0
            var (largest, sum): (T, T) = (0, 1)
            if fromLogits {
                guard isLabelled || call.probabilities != nil else {
                    call.skip(position)
                    continue
                }
                (largest, sum) = exponentials(call, offset)
                if let probabilities = call.probabilities {
                    for index in offset..<offset + width {
                        probabilities[index] = T.exp(call.predictions[index] - largest) / sum
                    }
                }
            } else if isLabelled {
                sum = call.sumOfRow(offset) { call.predictions[$0] }
            }
            guard isLabelled else {
                call.skip(position)
                continue
            }
            let share = { (index: Int) -> T in
                let prediction = call.predictions[index]
                return (fromLogits ? T.exp(prediction - largest) : prediction) / sum
            }
            call.losses[position] = call.sumOfRow(offset) { index in
                let target = (T(call.targets[index]) * keep + shift) * T(factors[index - offset])
                let q = share(index)
                let clipped = min(max(q, low), high)
                let logarithm = T.log(clipped)
                let (power, derivative) = powerAndDerivative(1 - clipped, T(gamma))
                if let gradient = call.gradient {
                    let isInside = q >= low && q <= high
                    gradient[index] = isInside ? target * (derivative * logarithm - power / clipped) : 0
                }
                return -target * power * logarithm
            }
            if let gradient = call.gradient {
                let weighted = call.sumOfRow(offset) { gradient[$0] * share($0) }
                for index in offset..<offset + width {
                    let factor = call.scales[position] * (fromLogits ? share(index) : 1 / sum)
                    gradient[index] = factor * (gradient[index] - weighted)
                }
            }
        }
    }

    /// The largest logit of a row, and the sum of the exponentials from it down.
    @inline(__always)
    private func exponentials<T: Scalar>(_ call: LossCall<T>, _ offset: Int) -> (largest: T, sum: T) {
        var largest = call.predictions[offset]
        for index in offset..<offset + call.width { largest = max(largest, call.predictions[index]) }
        return (largest, call.sumOfRow(offset) { T.exp(call.predictions[$0] - largest) })
    }
}
