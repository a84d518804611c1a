import MIOGraph
import MIOKernels
import MIOObjectives
import MIOPlan
import MIOTensor

/// One output of a replica: which of a batch's positions are labelled, the loss, its gradient and the metrics.
///
/// A *position* is one row of the prediction's last axis: one a sample for (width,), height × width of them
/// for a segmentation. What a head adds up is additive over passes and ranks; divisions come last.
final class Head {
    let specification: OutputSpecification
    let labelling: TargetLabelling
    let positionsPerSample: Int
    let width: Int
    let targetWidth: Int
    /// Doubles it adds up: Σ w·ℓ, then sum and count of each metric.
    let sumCount: Int
    private let loss: any Loss
    private let reduction: LossReduction
    private let targetKind: TargetKind
    private let weightedFrom: Int
    private let metrics: [any Metric]
    /// What the loss reads, where its gradient goes if anything needs one, and the output's values as users see them.
    private let input: UnsafePointer<Float>
    private let gradient: UnsafeMutablePointer<Float>?
    private let predictions: UnsafeMutablePointer<Float>
    private let writesPredictions: Bool
    /// For the batch at hand, and for the one after it, whose labels are counted ahead.
    private var current: Labels
    private var following: Labels
    private let scales: Storage<Float>
    private let losses: Storage<Float>
    /// For an output whose tensor another output's loss has given a gradient already: to be added to it.
    private let addend: Storage<Float>?

    /// The marks and weights of a rank's part of a batch.
    private struct Labels {
        /// (positions): 0 where there is no label.
        let labelled: Storage<UInt8>
        /// (positions): the samples' weights.
        let weights: Storage<Float>

        init(positions: Int) {
            labelled = Storage(count: positions)
            weights = Storage(count: positions)
        }
    }

    /// - Parameters:
    ///   - executor: computes what the head reads, and outlives it.
    ///   - part: the most samples of a batch that this rank has.
    init(_ specification: OutputSpecification, plan: Plan.Head, executor: Executor, part: Int) {
        self.specification = specification
        let pass = executor.plan.samples
        let loss = plan.absorbed == nil ? specification.loss : specification.loss.readingLogits()
        self.loss = loss
        reduction = loss.reduction
        targetKind = loss.targetKind
        input = UnsafePointer(executor.value(plan.tensor))
        gradient = plan.gradient == .none ? nil : executor.gradient(plan.tensor)
        predictions = executor.value(plan.predictions)
        writesPredictions = plan.absorbed != nil
        width = plan.shape.last
        positionsPerSample = plan.shape.count / max(width, 1)
        labelling = TargetLabelling(specification.loss, missingLabel: specification.missingLabel)
        targetWidth = targetKind == .classIndex ? 1 : width
        metrics = specification.allMetrics
        sumCount = 1 + 2 * metrics.count
        weightedFrom = specification.metrics.count
        current = Labels(positions: part * positionsPerSample)
        following = Labels(positions: part * positionsPerSample)
        scales = Storage(count: pass * positionsPerSample)
        losses = Storage(count: pass * positionsPerSample)
        addend = plan.gradient == .adds ? Storage(count: pass * plan.shape.count) : nil
    }

    // MARK: Labels

    /// The labelled positions of a batch and the sum of their weights.
    struct LabelCount {
        var positions = 0.0
        var weights = 0.0
    }

    /// Marks and counts the labels of some samples of the batch after the one at hand.
    /// - Parameters:
    ///   - targets: of the part: (samples, target shape)
    ///   - weights: of the part: (samples)
    func markFollowing(
        _ samples: Range<Int>, targets: UnsafePointer<Float>, weights: UnsafePointer<Float>
    ) -> LabelCount {
        let offset = samples.lowerBound * positionsPerSample
        let (labelled, weightOfPosition) = (following.labelled.pointer, following.weights.pointer)
        let positions = labelling.markLabelled(
            targets: targets + offset * targetWidth, positions: samples.count * positionsPerSample,
            targetWidth: targetWidth, into: labelled + offset)
        let positionsPerSample = positionsPerSample
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
        return LabelCount(positions: Double(positions), weights: sum)
    }

    /// The batch that was the following one is now at hand.
    func advance() { swap(&current, &following) }

    /// What the global batch's Σ w·ℓ is divided by.
    func denominator(_ count: LabelCount) -> Double {
        reduction.denominator(labelledCount: Int(count.positions), weightSum: count.weights)
    }

    /// The same over several batches at once: a loss that is a plain sum is their mean.
    func denominator(_ count: LabelCount, batches: Int) -> Double {
        reduction == .sum ? Double(batches) : denominator(count)
    }

    // MARK: A pass

    /// Computes losses and metrics of a pass and adds them to `sums`; with `denominator`, also the gradient.
    /// - Parameters:
    ///   - first: the pass' first sample in the part.
    ///   - targets: of the part: (samples, target shape).
    ///   - denominator: of the global batch; `nil` in evaluation.
    ///   - sums: `sumCount` doubles.
    func evaluate(
        first: Int, samples: Int, targets: UnsafePointer<Float>, denominator: Double?,
        sums: UnsafeMutablePointer<Double>
    ) {
        let positions = samples * positionsPerSample
        let offset = first * positionsPerSample
        let labelled = current.labelled.pointer + offset
        let weights = current.weights.pointer + offset
        let passTargets = targets + offset * targetWidth
        let gradient = denominator == nil ? nil : gradient
        // Pointers in locals: a loop that stores would load the objects' again for every element.
        let (scales, losses) = (scales.pointer, losses.pointer)
        if let denominator {
            // Nothing labelled anywhere: nothing to learn.
            let factor = denominator == 0 ? 0 : specification.weight / denominator
            for position in 0..<positions { scales[position] = Float(Double(weights[position]) * factor) }
        }
        loss.forward(
            LossCall<Float>(
                positions: positions, width: width, predictions: input, targets: passTargets,
                labelled: labelled, scales: scales, losses: losses,
                gradient: gradient == nil ? nil : addend?.pointer ?? gradient,
                probabilities: writesPredictions ? predictions : nil))
        if let gradient, let addend = addend?.pointer {
            for index in 0..<positions * width { gradient[index] += addend[index] }
        }
        var sum = 0.0
        for position in 0..<positions where labelled[position] != 0 {
            sum += Double(weights[position]) * Double(losses[position])
        }
        sums[0] += sum
        for index in metrics.indices {
            let result = metrics[index].accumulate(
                MetricCall(
                    positions: positions, width: width, targetKind: targetKind, predictions: predictions,
                    targets: passTargets, labelled: labelled, weights: index < weightedFrom ? nil : weights))
            sums[1 + 2 * index] += result.sum
            sums[2 + 2 * index] += result.count
        }
    }

    /// The first sample of the last evaluated pass whose loss is not finite, and that loss.
    func firstNonFiniteLoss(samples: Int) -> (sample: Int, loss: Float)? {
        for position in 0..<samples * positionsPerSample where !losses.pointer[position].isFinite {
            return (position / positionsPerSample, losses.pointer[position])
        }
        return nil
    }

    /// The first label of some samples that the loss cannot take.
    /// - Returns: its position counts from the first of the samples.
    func firstFault(_ samples: Range<Int>, targets: UnsafePointer<Float>) -> TargetFault? {
        labelling.firstFault(
            targets: targets + samples.lowerBound * positionsPerSample * targetWidth,
            positions: samples.count * positionsPerSample, targetWidth: targetWidth, classes: width)
    }
}
