import MIOBase
import MIOGraph
import MIOKernels
import MIOObjectives
import MIOPlan

/// One output of a lane: the loss, its gradient and the metrics at the labelled positions.
///
/// What an output adds up is additive over passes, lanes and ranks; divisions come last.
final class TrainedOutput {
    let specification: OutputSpecification
    /// Of one sample's prediction.
    let shape: Shape
    private let labels: OutputLabels
    private let positionsPerSample: Int
    private let width: Int
    private let targetWidth: Int
    /// What the total loss multiplies the loss by in the step at hand.
    var weight: Double
    /// Doubles it adds up: Σ w·ℓ, then each metric's sums.
    let sumCount: Int
    private let loss: any Loss
    private let targetKind: TargetKind
    private let missing: Float
    private let weightedFrom: Int
    private let metrics: [any Metric]
    private let metricSumCounts: [Int]
    /// What the loss reads, where its gradient goes if anything needs one, and the output's values as users see them.
    private let input: UnsafePointer<Float>
    private let gradient: UnsafeMutablePointer<Float>?
    private let predictions: UnsafeMutablePointer<Float>
    private let writesPredictions: Bool
    private let scales: Storage<Float>
    private let losses: Storage<Float>
    /// For an output whose tensor another output's loss has given a gradient already: to be added to it.
    private let addend: Storage<Float>?
    /// Of a loss that compares sums: which ones, those of a sample, and those of the batch in a step.
    private let lossSums: LossSums
    private let sampleSums: Storage<Double>
    private let batchSums: UnsafeMutablePointer<Double>
    /// Where the step's numbers that are summed over the batch begin for this output.
    private let firstBatchSum: Int

    /// - Parameters:
    ///   - executor: computes the tensors that the loss reads, and outlives it.
    init(_ labels: OutputLabels, plan: Plan.Output, executor: Executor) {
        self.labels = labels
        let specification = labels.specification
        self.specification = specification
        shape = plan.shape
        weight = specification.weight
        let pass = executor.plan.samples
        let loss = (plan.absorbed == nil ? specification.loss : specification.loss.readingLogits())
            .fitting(plan.shape)
        self.loss = loss
        targetKind = loss.targetKind
        missing = labels.labelling.missingNumber
        input = UnsafePointer(executor.value(plan.tensor))
        gradient = plan.gradient == .none ? nil : executor.gradient(plan.tensor)
        predictions = executor.value(plan.predictions)
        writesPredictions = plan.absorbed != nil
        width = labels.width
        positionsPerSample = labels.positionsPerSample
        targetWidth = labels.targetWidth
        metrics = specification.allMetrics
        metricSumCounts = specification.metricSumCounts(prediction: plan.shape)
        sumCount = metricSumCounts.reduce(1, +)
        weightedFrom = specification.metrics.count
        scales = Storage(count: pass * positionsPerSample)
        losses = Storage(count: pass * positionsPerSample)
        addend = plan.gradient == .adds ? Storage(count: pass * plan.shape.count) : nil
        lossSums = loss.sums
        sampleSums = Storage(count: lossSums.count)
        firstBatchSum = plan.lossSums.lowerBound
        batchSums = executor.batchSums.pointer + firstBatchSum
    }

    /// Doubles that an evaluation adds up for each batch before it knows this output's loss of it.
    var batchSumCount: Int { lossSums.areOfBatch ? lossSums.count : 0 }

    // MARK: A pass

    /// Computes losses and metrics of a pass and adds them to `sums`; with `denominator`, also the gradient.
    /// - Parameters:
    ///   - first: the pass' first sample in the part.
    ///   - targets: of the part: (samples, target shape).
    ///   - denominator: of the global batch; `nil` in evaluation.
    ///   - sums: `sumCount` doubles.
    ///   - batchSums: in evaluation, where to add what a loss of the whole batch adds up: `batchSumCount` doubles. Without, such a
    ///     loss is left out of `sums`.
    func evaluate(
        first: Int, samples: Int, targets: UnsafePointer<Float>, denominator: Double?,
        sums: UnsafeMutablePointer<Double>, batchSums ofEvaluation: UnsafeMutablePointer<Double>? = nil
    ) {
        let positions = samples * positionsPerSample
        let offset = first * positionsPerSample
        let labelled = labels.current.labelled.pointer + offset
        let weights = labels.current.weights.pointer + offset
        let passTargets = targets + offset * targetWidth
        let gradient = denominator == nil ? nil : gradient
        // Pointers in locals: a loop that stores would load the objects' again for every element.
        let (scales, losses) = (scales.pointer, losses.pointer)
        if let denominator {
            fillScales(positions, weights: weights, denominator: denominator)
        } else if lossSums.count > 0 {
            scales.update(from: weights, count: positions)
        }
        let inBatch = lossSums.areOfBatch && denominator != nil
        let call = LossCall<Float>(
            positions: positions, width: width, predictions: input, targets: passTargets,
            labelled: labelled, missing: missing, scales: scales, losses: losses,
            gradient: gradient == nil ? nil : addend?.pointer ?? gradient,
            probabilities: writesPredictions ? predictions : nil, sums: inBatch ? batchSums : ofEvaluation)
        if lossSums.count == 0 || inBatch {
            loss.forwardNative(call)
        } else {
            loss.forwardSampleBySample(
                call, positionsPerSample: positionsPerSample, scratch: sampleSums.pointer,
                count: lossSums.count)
            if lossSums.areOfBatch, ofEvaluation != nil { loss.addSums(call) }
        }
        if let gradient, let addend = addend?.pointer {
            for index in 0..<positions * width { gradient[index] += addend[index] }
        }
        var sum = 0.0
        for position in 0..<positions where labelled[position] != 0 {
            sum += Double(weights[position]) * Double(losses[position])
        }
        // The loss of a whole batch comes when it is whole. Its samples show what is not finite.
        let isLeftOut = lossSums.areOfBatch && !inBatch && sum.isFinite
        sums[0] += isLeftOut ? 0 : sum
        var place = 1
        for index in metrics.indices {
            metrics[index].add(
                MetricCall(
                    positions: positions, width: width, targetKind: targetKind, predictions: predictions,
                    targets: passTargets, labelled: labelled, missing: missing,
                    weights: index < weightedFrom ? nil : weights), to: sums + place)
            place += metricSumCounts[index]
        }
    }

    /// What positions' losses are multiplied by; all 0 if nothing is labelled anywhere.
    private func fillScales(_ positions: Int, weights: UnsafePointer<Float>, denominator: Double) {
        let scales = scales.pointer
        let factor = denominator == 0 ? 0 : weight / denominator
        for position in 0..<positions { scales[position] = Float(Double(weights[position]) * factor) }
    }

    // MARK: Losses of a whole batch

    /// Adds what a pass contributes to the sums that the loss needs of the whole batch.
    /// - Parameter sums: the first one of the plan.
    func addBatchSums(
        first: Int, samples: Int, targets: UnsafePointer<Float>, denominator: Double,
        to sums: UnsafeMutablePointer<Double>
    ) {
        guard lossSums.areOfBatch else { return }
        let positions = samples * positionsPerSample
        let offset = first * positionsPerSample
        fillScales(
            positions, weights: labels.current.weights.pointer + offset, denominator: denominator)
        loss.addSums(
            LossCall<Float>(
                positions: positions, width: width, predictions: input,
                targets: targets + offset * targetWidth, labelled: labels.current.labelled.pointer + offset,
                missing: missing, scales: scales.pointer, losses: losses.pointer, sums: sums + firstBatchSum))
    }

    /// Σ w·ℓ of a batch whose sums these are.
    func loss(ofBatchSums sums: UnsafePointer<Double>) -> Double { loss.total(ofSums: sums) }

    /// The first sample of the last evaluated pass whose loss is not finite, and that loss.
    func firstNonFiniteLoss(samples: Int) -> (sample: Int, loss: Float)? {
        for position in 0..<samples * positionsPerSample where !losses.pointer[position].isFinite {
            return (position / positionsPerSample, losses.pointer[position])
        }
        return nil
    }

    /// The largest loss of a labelled position of the last evaluated pass, and its sample of the part.
    func largestLoss(_ samples: Range<Int>) -> (sample: Int, loss: Float)? {
        let labelled = labels.current.labelled.pointer + samples.lowerBound * positionsPerSample
        let position = (0..<samples.count * positionsPerSample).filter { labelled[$0] != 0 }
            .max { losses.pointer[$0] < losses.pointer[$1] }
        return position.map { (samples.lowerBound + $0 / positionsPerSample, losses.pointer[$0]) }
    }
}
