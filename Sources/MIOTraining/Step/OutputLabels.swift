import MIOBase
import MIOBatches
import MIOObjectives

/// Which positions of a rank's part of a batch an output has labels at, and their weights: of the batch at hand, and of
/// the one after it, whose labels are counted ahead.
///
/// Where elements of a position are missing, the loss finds them once more: a position's count does not depend on them.
///
/// A *position* is one row of the prediction's last axis: one a sample for (width,), height × width of them for a
/// segmentation.
///
/// All lanes read the same labels; the owner of the replica marks them while no lane computes.
final class OutputLabels {
    let specification: OutputSpecification
    let positionsPerSample: Int
    let width: Int
    let targetWidth: Int
    let labelling: TargetLabelling
    /// `nil` if no position is masked.
    private let mask: OutputMask?
    private let classWeights: ClassWeights?
    private(set) var current: Marks
    private var following: Marks

    /// The marks and weights of a rank's part of a batch.
    struct Marks {
        /// (positions): a `LabelMark` each.
        let labelled: Storage<UInt8>
        /// (positions): the samples' weights.
        let weights: Storage<Float>

        init(positions: Int) {
            labelled = Storage(count: positions)
            weights = Storage(count: positions)
        }
    }

    /// - Parameters:
    ///   - shape: of one sample's prediction.
    ///   - mask: of the output's tensor.
    ///   - part: the most samples of a batch that this rank has.
    init(_ specification: OutputSpecification, shape: Shape, mask: OutputMask?, part: Int) {
        self.specification = specification
        width = shape.last
        positionsPerSample = shape.count / max(width, 1)
        targetWidth = specification.loss.targetKind.isSingle ? 1 : width
        labelling = specification.targetLabelling
        self.mask = mask
        classWeights = specification.classWeights.flatMap { $0.table.isEmpty ? nil : $0 }
        current = Marks(positions: part * positionsPerSample)
        following = Marks(positions: part * positionsPerSample)
    }

    /// The positions of a batch that are labelled, wholly or in part, and the sum of their weights.
    struct Count {
        var positions = 0.0
        var weights = 0.0
    }

    /// Marks and counts the labels of some samples of the batch after the one at hand.
    /// - Parameters:
    ///   - batch: of which the samples are; its inputs tell what is masked.
    ///   - targets: of the part: (samples, target shape)
    ///   - weights: of the part: (samples)
    ///   - training: whether samples count by their classes too.
    func markFollowing(
        _ samples: Range<Int>, of batch: Batch, _ columns: ColumnMap, targets: UnsafePointer<Float>,
        weights: UnsafePointer<Float>, training: Bool
    ) -> Count {
        let offset = samples.lowerBound * positionsPerSample
        let (labelled, weightOfPosition) = (following.labelled.pointer, following.weights.pointer)
        var positions = labelling.markLabelled(
            targets: targets + offset * targetWidth, positions: samples.count * positionsPerSample,
            targetWidth: targetWidth, into: labelled + offset)
        if let mask {
            mask.apply(
                samples, of: batch, columns, positionsPerSample: positionsPerSample, to: labelled + offset)
            positions = 0
            for position in offset..<offset + samples.count * positionsPerSample
            where labelled[position] != 0 {
                positions += 1
            }
        }
        let positionsPerSample = positionsPerSample
        if training, let classWeights {
            let sum = weigh(samples, targets: targets, weights: weights, by: classWeights)
            return Count(positions: Double(positions), weights: sum)
        }
        var position = offset
        var sum = 0.0
        for sample in samples {
            let weight = weights[sample]
            for _ in 0..<positionsPerSample {
                weightOfPosition[position] = weight
                sum += labelled[position] == 0 ? 0 : Double(weight)
                position += 1
            }
        }
        return Count(positions: Double(positions), weights: sum)
    }

    /// Writes the weights of marked positions, each that of its sample times that of its class.
    /// - Returns: their sum.
    private func weigh(
        _ samples: Range<Int>, targets: UnsafePointer<Float>, weights: UnsafePointer<Float>,
        by classWeights: ClassWeights
    ) -> Double {
        let (labelled, weightOfPosition) = (following.labelled.pointer, following.weights.pointer)
        var sum = 0.0
        for sample in samples {
            for position in sample * positionsPerSample..<(sample + 1) * positionsPerSample {
                var weight = weights[sample]
                if labelled[position] != LabelMark.none {
                    weight *= classWeights.weight(targets + position * targetWidth, width: targetWidth)
                    sum += Double(weight)
                }
                weightOfPosition[position] = weight
            }
        }
        return sum
    }

    /// The first label of some samples that the loss cannot take.
    /// - Returns: its position counts from the first of the samples.
    func firstFault(_ samples: Range<Int>, targets: UnsafePointer<Float>) -> TargetFault? {
        labelling.firstFault(
            targets: targets + samples.lowerBound * positionsPerSample * targetWidth,
            positions: samples.count * positionsPerSample, targetWidth: targetWidth, classes: width)
    }

    /// The batch that was the following one is now at hand.
    func advance() { swap(&current, &following) }

    /// What the global batch's Σ w·ℓ is divided by.
    func denominator(_ count: Count) -> Double {
        specification.loss.reduction.denominator(
            labelledCount: Int(count.positions), weightSum: count.weights)
    }

    /// The same over several batches at once: a loss that is a plain sum is their mean.
    func denominator(_ count: Count, batches: Int) -> Double {
        specification.loss.reduction == .sum ? Double(batches) : denominator(count)
    }
}
