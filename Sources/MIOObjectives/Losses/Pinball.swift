import CDenseLoops
import MIOBase
import MIOConfig

/// The loss whose least mean is a quantile's. With e = target − prediction and q the unit's quantile, the mean over the last
/// axis of
///
///     q·e           where the target is above the prediction
///     (q − 1)·e     where it is below
///
///     ∂loss/∂pⱼ = −q ÷ width, or (1 − q) ÷ width; 0 where they are equal
///
/// `quantiles` is one number from 0 to 1, for units with a target each; or a list of them, a unit each. Then a row has one
/// target, with which all its units are compared: a target of shape `(…)` for predictions of shape `(…, quantiles)`.
///
/// Keras has no such loss. Source: Koenker and Bassett, "Regression Quantiles", 1978.
public struct Pinball: Loss, Hashable {
    public static let className = "Pinball"
    public static let names = ["pinball", "quantile_loss"]

    private let factors: PlaceFactors
    /// The quantile of all units, or of each; between 0 and 1, neither of them.
    public var quantiles: [Double] { factors.values }
    public let reduction: LossReduction

    /// - Precondition: there is a quantile; each is between 0 and 1, neither of them.
    public init(quantiles: [Double] = [0.5], reduction: LossReduction = .sumOverBatchSize) {
        precondition(quantiles.allSatisfy { $0 > 0 && $0 < 1 }, "quantiles \(quantiles)")
        factors = PlaceFactors(quantiles)
        self.reduction = reduction
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        factors = try reader.placeFactors(
            "quantiles", default: 0.5,
            expected: "a number between 0 and 1, neither of them, or a list with one for each unit"
        ) { $0 > 0 && $0 < 1 }
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "quantiles": factors.config, "reduction": reduction.configValue,
        ])
    }

    /// What targets are: of several quantiles one number a row.
    public var targetKind: TargetKind { quantiles.count == 1 ? .real : .shared }
    public var isElementwise: Bool { true }

    /// The prediction's shape; of several quantiles without its last axis.
    public func targetShape(forPrediction prediction: Shape) throws(LossShapeError) -> Shape {
        try factors.requireFit(prediction, loss: Self.names[0], argument: "quantiles")
        return quantiles.count == 1 ? prediction : Shape(prediction.dimensions.dropLast())
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        guard targetKind == .shared else {
            let quantile = T(factors[0])
            return call.meanOverElements { Self.element($0, $1, quantile) }
        }
        let width = T(call.width)
        call.forEachRow { offset, gradient, scale in
            let target = T(call.targets[offset / call.width])
            let factor = scale / width
            let sum = call.sumOfRow(offset) { index in
                let place = index - offset
                let (loss, derivative) = Self.element(call.predictions[index], target, T(factors[place]))
                gradient?[place] = factor * derivative
                return loss
            }
            return sum / width
        }
    }

    @inline(__always)
    private static func element<T: Scalar>(_ prediction: T, _ target: T, _ quantile: T) -> (
        loss: T, derivative: T
    ) {
        let error = prediction - target
        let slope = error > 0 ? 1 - quantile : -quantile
        return (slope * error, error == 0 ? 0 : slope)
    }

    public func forwardNative(_ call: LossCall<Float>) {
        call.elementwise(mio_pinball, factors: factors, sharesTarget: targetKind == .shared)
    }
}
