import MIOBase
import MIOConfig

/// The Kullback–Leibler divergence of the prediction from the target, two distributions over the last axis. With both
/// clipped to [ε, 1], ε = 1e-7:
///
///     loss = Σ tᵢ·log(tᵢ ÷ pᵢ)
///     ∂loss/∂pⱼ = −tⱼ ÷ pⱼ, 0 where pⱼ was clipped
///
/// Source: https://keras.io/api/losses/probabilistic_losses/#kldivergence-class
public struct KLDivergence: Loss, Hashable {
    public static let className = "KLDivergence"
    public static let names = ["kl_divergence", "kld", "KLD", "kullback_leibler_divergence"]

    public let reduction: LossReduction

    /// Keras' argument, with its default.
    public init(reduction: LossReduction = .sumOverBatchSize) { self.reduction = reduction }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary(["class": .string(Self.className), "reduction": reduction.configValue])
    }

    public var targetKind: TargetKind { .classShares }
    public var isElementwise: Bool { false }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        let low = T(probabilityEpsilon)
        call.forEachRow { offset, gradient, scale in
            call.sumOfRow(offset) { index in
                let prediction = call.predictions[index]
                let target = min(max(T(call.targets[index]), low), 1)
                // Not `min` and `max`, which would pass over a NaN.
                let clipped = prediction < low ? low : prediction > 1 ? 1 : prediction
                gradient?[index - offset] = clipped == prediction ? -scale * target / clipped : 0
                return target * T.log(target / clipped)
            }
        }
    }
}
