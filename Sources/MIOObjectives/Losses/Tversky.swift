import MIOBase
import MIOConfig

/// 1 minus the share that prediction and target have in common, in which what only one of them has counts by weights of its own.
///
/// With Σ over the elements that differ only in the axes of `axis`, by default over the whole batch, ε = 1e-7, and D the divisor:
///
///     loss = 1 − Σ t·p ÷ (Σ t·p + α·Σ t·(1 − p) + β·Σ p·(1 − t) + ε)
///     ∂loss/∂pⱼ = −tⱼ ÷ D + Σ t·p·((1 − α − β)·tⱼ + β) ÷ D²
///
/// With α = β = 0.5 it is `Dice`. Axis 0 is that of the samples of the global batch. As in Keras, α weighs what the target alone
/// has and β what the prediction alone has.
///
/// Source: https://keras.io/api/losses/regression_losses/#tversky-class
public struct Tversky: OverlapLoss, Hashable {
    public static let className = "Tversky"
    public static let names = ["tversky"]

    /// What the target alone has counts so much.
    public let alpha: Double
    /// What the prediction alone has counts so much.
    public let beta: Double
    /// The axes of a batch that are summed over; `nil` for all.
    public let axis: [Int]?
    public let reduction: LossReduction
    var regions: OverlapRegions?

    /// Keras' arguments, with its defaults.
    public init(
        alpha: Double = 0.5, beta: Double = 0.5, axis: [Int]? = nil,
        reduction: LossReduction = .sumOverBatchSize
    ) {
        self.alpha = alpha
        self.beta = beta
        self.axis = axis
        self.reduction = reduction
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        alpha = try reader.real("alpha", default: 0.5)
        beta = try reader.real("beta", default: 0.5)
        axis = try reader.overlapAxis()
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "alpha": .real(alpha), "beta": .real(beta),
            "axis": axis.map { ConfigValue($0) } ?? .null, "reduction": reduction.configValue,
        ])
    }

    @inline(__always)
    func similarity(_ sums: OverlapSums) -> (value: Double, byProducts: Double, byPredictions: Double) {
        let common = sums.products
        let divisor =
            common + alpha * (sums.targets - common) + beta * (sums.predictions - common) + probabilityEpsilon
        let perDivisor = common / (divisor * divisor)
        return (common / divisor, 1 / divisor - perDivisor * (1 - alpha - beta), -perDivisor * beta)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func addSums<T: Scalar>(_ call: LossCall<T>) { addOverlap(call) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) { overlapForward(call) }
}
