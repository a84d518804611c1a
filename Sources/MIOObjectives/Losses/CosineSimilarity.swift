import MIOBase
import MIOConfig

/// Minus the cosine of the angle between prediction and target along the last axis: −1 where they point the same way, 1
/// where they are opposite.
///
/// With t̂ = t·min(1 ÷ |t|, 1 ÷ ε), p̂ likewise, ε = 1e-7:
///
///     loss = −Σ t̂ᵢ·p̂ᵢ
///     ∂loss/∂pⱼ = −(t̂ⱼ − p̂ⱼ·Σ t̂ᵢ·p̂ᵢ) ÷ |p|, −t̂ⱼ ÷ ε where |p| is below ε
///
/// Source: https://keras.io/api/losses/regression_losses/#cosinesimilarity-class
public struct CosineSimilarity: Loss, Hashable {
    public static let className = "CosineSimilarity"
    public static let names = ["cosine_similarity"]
    public static var kerasArguments: [KerasArgument] { [.at(-1, named: "axis")] }

    public let reduction: LossReduction

    /// Keras' argument, with its default.
    public init(reduction: LossReduction = .sumOverBatchSize) { self.reduction = reduction }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary(["class": .string(Self.className), "reduction": reduction.configValue])
    }

    public var isElementwise: Bool { false }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        call.forEachRow { offset, gradient, scale in
            let (targetNorm, _) = Self.inverseNorm(
                call.sumOfRow(offset) { T(call.targets[$0]) * T(call.targets[$0]) })
            let (norm, isBounded) = Self.inverseNorm(
                call.sumOfRow(offset) { call.predictions[$0] * call.predictions[$0] })
            let cosine = call.sumOfRow(offset) {
                (T(call.targets[$0]) * targetNorm) * (call.predictions[$0] * norm)
            }
            if let gradient {
                for place in 0..<call.width {
                    let target = T(call.targets[offset + place]) * targetNorm
                    let along = isBounded ? 0 : call.predictions[offset + place] * norm * cosine
                    gradient[place] = -scale * (target - along) * norm
                }
            }
            return -cosine
        }
    }

    /// 1 ÷ the root of a sum of squares, at most 1 ÷ ε; and whether it was bounded.
    @inline(__always)
    static func inverseNorm<T: Scalar>(_ squares: T) -> (value: T, isBounded: Bool) {
        let inverse = 1 / squares.squareRoot()
        let most = 1 / T(probabilityEpsilon)
        return inverse > most ? (most, true) : (inverse, false)
    }
}
