import MIOBase
import MIOConfig

/// A crossentropy for data of which some labels are wrong. With a class index k as the target and probabilities p:
///
///     loss = (1 − p_k^q) ÷ q
///     ∂loss/∂pⱼ = −[j = k]·p_k^(q − 1)
///
/// Near q = 0 it is the crossentropy, near q = 1 the absolute error.
///
/// Source: https://keras.io/api/losses/probabilistic_losses/#categoricalgeneralizedcrossentropy-class; Zhang and
/// Sabuncu, https://arxiv.org/abs/1805.07836
public struct CategoricalGeneralizedCrossEntropy: Loss, Hashable {
    public static let className = "CategoricalGeneralizedCrossEntropy"
    public static let names = ["categorical_generalized_cross_entropy"]

    /// Between 0 and 1, neither of them.
    public let q: Double
    public let reduction: LossReduction

    /// - Precondition: `q` is between 0 and 1, neither of them.
    public init(q: Double = 0.5, reduction: LossReduction = .sumOverBatchSize) {
        precondition(q > 0 && q < 1, "q is \(q), not between 0 and 1")
        self.q = q
        self.reduction = reduction
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        let q = try reader.real("q", default: 0.5)
        guard q > 0, q < 1 else {
            throw reader.error("q", "expected a number between 0 and 1, neither of them; found \(q)")
        }
        self.init(q: q, reduction: try LossReduction(reading: &reader))
    }

    public var config: ConfigValue {
        .dictionary(["class": .string(Self.className), "q": .real(q), "reduction": reduction.configValue])
    }

    /// What targets are.
    public var targetKind: TargetKind { .classIndex }
    public var isElementwise: Bool { false }

    /// The prediction's shape without its last axis, the classes.
    public func targetShape(forPrediction prediction: Shape) throws(LossShapeError) -> Shape {
        try requireClasses(of: prediction, loss: Self.names[0])
        return Shape(prediction.dimensions.dropLast())
    }

    /// - Precondition: the target of each labelled position is a class index from 0 to `width − 1`.
    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        let q = T(self.q)
        for position in 0..<call.positions {
            guard call.labelled[position] != 0 else {
                call.skip(position)
                continue
            }
            let index = position * call.width + call.classIndex(position)
            let probability = call.predictions[index]
            call.losses[position] = (1 - T.pow(probability, q)) / q
            if let gradient = call.gradient {
                (gradient + position * call.width).update(repeating: 0, count: call.width)
                gradient[index] = -call.scales[position] * T.pow(probability, q - 1)
            }
        }
    }
}
