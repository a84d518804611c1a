import MIOBase
import MIOConfig

/// `max(neg − pos + 1, 0)`, with pos = Σ tᵢ·pᵢ and neg = max (1 − tᵢ)·pᵢ over the last axis; targets are one-hot rows.
///
///     ∂loss/∂pⱼ = [j attains neg]·(1 − tⱼ) ÷ how many do − tⱼ, 0 where neg − pos + 1 is below 0
///
/// Source: https://keras.io/api/losses/hinge_losses/#categoricalhinge-class
public struct CategoricalHinge: Loss, Hashable {
    public static let className = "CategoricalHinge"
    public static let names = ["categorical_hinge"]

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
        let width = call.width
        call.forEachRow { offset, gradient, scale in
            let (predictions, targets) = (call.predictions + offset, call.targets + offset)
            let positive = call.sumOfRow(0) { T(targets[$0]) * predictions[$0] }
            var largest = -T.infinity
            for index in 0..<width {
                let other = (1 - T(targets[index])) * predictions[index]
                // A NaN stays.
                if !(other <= largest) { largest = other }
                if largest.isNaN { break }
            }
            let loss = largest - positive + 1
            guard let gradient else { return loss < 0 ? 0 : loss }
            guard loss >= 0 else {
                gradient.update(repeating: loss < 0 ? 0 : .nan, count: width)
                return loss < 0 ? 0 : loss
            }
            var attaining: T = 0
            for index in 0..<width where (1 - T(targets[index])) * predictions[index] == largest {
                attaining += 1
            }
            for index in 0..<width {
                let target = T(targets[index])
                let attains = (1 - target) * predictions[index] == largest
                gradient[index] = scale * ((attains ? (1 - target) / attaining : 0) - target)
            }
            return loss
        }
    }
}
