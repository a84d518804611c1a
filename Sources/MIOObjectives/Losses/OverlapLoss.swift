import MIOBase
import MIOConfig
import MIOGraph

/// A loss that is 1 minus a quotient of sums over regions of many elements: `Dice`, `Tversky`.
///
/// With Σ over the labelled elements of a region (`OverlapRegions`), t the targets and p the predictions:
///
///     ℓ = 1 − similarity(Σ t·p, Σ t, Σ p)
///
/// The loss of a position is the mean of ℓ over the regions of its elements, so that the mean over all positions is Keras' mean over all
/// regions. With `reduction: sum` it is divided by the region's positions: the sum over all positions is the sum over all regions.
/// A region that goes through all samples counts with the mean weight of its positions.
protocol OverlapLoss: Loss {
    /// Keras' axes, of a batch; `nil` for all.
    var axis: [Int]? { get }
    /// Of the shape that it is fitted to.
    var regions: OverlapRegions? { get set }
    /// The quotient, and its derivatives by the products' sum and by the predictions' sum.
    func similarity(_ sums: OverlapSums) -> (value: Double, byProducts: Double, byPredictions: Double)
}

/// The sums of a region.
struct OverlapSums {
    /// Σ t·p
    let products: Double
    /// Σ t
    let targets: Double
    /// Σ p
    let predictions: Double

    /// Numbers of a region: these three, the sum of its positions' scales, and its positions, of both those shares that
    /// lie in the region.
    static let count = 5
    static let scales = 3
    static let positions = 4

    @inline(__always)
    init(_ numbers: UnsafePointer<Double>) {
        products = numbers[0]
        targets = numbers[1]
        predictions = numbers[2]
    }
}

extension OverlapLoss {
    public var isElementwise: Bool { true }

    public func targetShape(forPrediction prediction: Shape) throws(LossShapeError) -> Shape {
        let rank = prediction.rank + 1
        var seen: Set<Int> = []
        for one in axis ?? [] {
            guard -rank <= one, one < rank, seen.insert(one < 0 ? one + rank : one).inserted else {
                throw LossShapeError(
                    loss: Self.className, prediction: prediction,
                    reason:
                        "axis is \((axis ?? []).map(String.init).joined(separator: ", ")); expected different axes "
                        + "of a batch of predictions, from \(-rank) to \(rank - 1), where 0 is the axis of the samples"
                )
            }
        }
        return prediction
    }

    public func fitting(_ prediction: Shape) -> Self {
        var fitted = self
        fitted.regions = OverlapRegions(axis: axis, prediction: prediction)
        return fitted
    }

    public var sums: LossSums {
        regions.map { LossSums(count: OverlapSums.count * $0.count, areOfBatch: $0.areOfBatch) } ?? .none
    }

    private func fitted<T>(_ call: LossCall<T>) -> (OverlapRegions, UnsafeMutablePointer<Double>) {
        guard let regions, let sums = call.sums else {
            preconditionFailure(
                "\(Self.className) is called before it is fitted to a prediction, or without sums")
        }
        return (regions, sums)
    }

    @inline(__always)
    func addOverlap<T: Scalar>(_ call: LossCall<T>) {
        let (regions, sums) = fitted(call)
        regions.forEachElement(of: call) { element, region, position, share in
            let numbers = sums + OverlapSums.count * region
            let (target, prediction) = (Double(call.targets[element]), Double(call.predictions[element]))
            numbers[0] += target * prediction
            numbers[1] += target
            numbers[2] += prediction
            numbers[OverlapSums.scales] += Double(call.scales[position] * share)
            numbers[OverlapSums.positions] += Double(share)
        }
    }

    @inline(__always)
    func overlapForward<T: Scalar>(_ call: LossCall<T>) {
        let (regions, sums) = fitted(call)
        for position in 0..<call.positions where call.labelled[position] != LabelMark.whole {
            call.skip(position)
        }
        for position in 0..<call.positions { call.losses[position] = 0 }
        var known = -1
        var (loss, byProducts, byPredictions) = (T(0), T(0), T(0))
        regions.forEachElement(of: call) { element, region, position, share in
            if region != known {
                known = region
                let numbers = sums + OverlapSums.count * region
                let found = similarity(OverlapSums(numbers))
                let parts = reduction == .sum ? numbers[OverlapSums.positions] : 1
                let scale = numbers[OverlapSums.scales] / parts
                loss = T((1 - found.value) / parts)
                byProducts = T(-scale * found.byProducts)
                byPredictions = T(-scale * found.byPredictions)
            }
            call.losses[position] += share * loss
            call.gradient?[element] = byProducts * T(call.targets[element]) + byPredictions
        }
    }

    public func total(ofSums sums: UnsafePointer<Double>) -> Double {
        var total = 0.0
        for region in 0..<(regions?.count ?? 0) {
            let numbers = sums + OverlapSums.count * region
            let positions = numbers[OverlapSums.positions]
            guard positions > 0 else { continue }
            let scale = numbers[OverlapSums.scales] / (reduction == .sum ? positions : 1)
            total += scale * (1 - similarity(OverlapSums(numbers)).value)
        }
        return total
    }
}
