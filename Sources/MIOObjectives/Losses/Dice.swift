import MIOBase
import MIOConfig

/// 1 minus the share of prediction and target that both have in common: the loss of a mask.
///
/// With Σ over the elements that differ only in the axes of `axis`, by default over the whole batch, ε = 1e-7:
///
///     loss = 1 − 2·Σ t·p ÷ (Σ t + Σ p + ε)
///     ∂loss/∂pⱼ = −2·tⱼ ÷ (Σ t + Σ p + ε) + 2·Σ t·p ÷ (Σ t + Σ p + ε)²
///
/// Axis 0 is that of the samples of the global batch. `axis: [1, 2, 3]` is the overlap of each image by itself.
///
/// Source: https://keras.io/api/losses/regression_losses/#dice-class
public struct Dice: OverlapLoss, Hashable {
    public static let className = "Dice"
    public static let names = ["dice"]

    /// The axes of a batch that are summed over; `nil` for all.
    public let axis: [Int]?
    public let reduction: LossReduction
    var regions: OverlapRegions?

    /// Keras' arguments, with its defaults.
    public init(axis: [Int]? = nil, reduction: LossReduction = .sumOverBatchSize) {
        self.axis = axis
        self.reduction = reduction
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        axis = try reader.overlapAxis()
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "axis": axis.map { ConfigValue($0) } ?? .null,
            "reduction": reduction.configValue,
        ])
    }

    @inline(__always)
    func similarity(_ sums: OverlapSums) -> (value: Double, byProducts: Double, byPredictions: Double) {
        let both = sums.targets + sums.predictions + probabilityEpsilon
        return (2 * sums.products / both, 2 / both, -2 * sums.products / (both * both))
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func addSums<T: Scalar>(_ call: LossCall<T>) { addOverlap(call) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) { overlapForward(call) }
}
