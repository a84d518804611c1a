import MIOBase
import MIOBatches
import MIOComm
import MIOGraph
import MIOKernels

/// Adds up losses and metrics over batches without a gradient; one sum over the ranks at the end.
///
/// Each shard of the batches has totals of its own, added up at the end in the order of a tree: with as many shards at
/// any number of ranks the result has the same bits.
package final class Evaluator {
    package let names: LogNames
    private let replica: Replica
    private let shards: VirtualShards
    /// (shards of this rank, numbers): the outputs' sums, then two label counts an output.
    private let totals: Storage<Double>
    private let counts: Storage<Double>
    /// (shards of this rank, numbers): what losses of a whole batch add up, of the batch at hand.
    private let batchSums: Storage<Double>
    /// The same of all shards, of each batch so far.
    private var batchSumsSoFar: [Double] = []
    private let batchSumCount: Int
    private let sums: StepSums
    private var batches = 0
    private var batch: Batch?
    private var evaluate: (Int) -> Void = { _ in }
    /// Each lane's.
    private let findings: [Finding]
    /// Whether all sums were finite so far.
    package private(set) var isFinite = true
    /// In the batch whose sums were the first that were not: `nil` if it is its inputs alone that are not finite.
    package private(set) var firstNonFiniteLoss: NonFiniteLoss?

    /// The first pass of a lane whose sums are not finite.
    private final class Finding {
        var pass: (firstSample: Int, loss: NonFiniteLoss?)?
    }

    private var numbers: Int { replica.sumCount + 2 * replica.trainedOutputs.count }

    package init(replica: Replica, shards: VirtualShards) {
        self.replica = replica
        self.shards = shards
        names = replica.logNames
        counts = Storage(count: 2 * replica.trainedOutputs.count)
        batchSumCount = replica.lanes[0].frames[0].batchSumCount
        batchSums = Storage(count: shards.own.count * batchSumCount)
        totals = Storage(count: shards.own.count * (replica.sumCount + 2 * replica.trainedOutputs.count))
        sums = StepSums(names)
        findings = replica.lanes.map { _ in Finding() }
        evaluate = { [unowned self] in evaluateShards(of: $0) }
    }

    package func begin() {
        totals.fill(0)
        batches = 0
        batchSumsSoFar.removeAll(keepingCapacity: true)
        isFinite = true
        firstNonFiniteLoss = nil
        for finding in findings { finding.pass = nil }
    }

    /// Adds this rank's part of a global batch.
    /// - Returns: a label that its loss cannot take; the evaluation must then end.
    package func add(_ batch: Batch) -> BatchFault? {
        for (index, shard) in shards.own.enumerated() {
            let samples = shards.samples(shard, of: batch)
            let fault = replica.markFollowing(batch, samples, counts: counts.pointer, training: false)
            if let fault { return fault }
            let target = totals.pointer + index * numbers + replica.sumCount
            for index in 0..<counts.count { target[index] += counts.pointer[index] }
        }
        batches += 1
        replica.advance()
        self.batch = batch
        defer { self.batch = nil }
        batchSums.fill(0)
        replica.team.run(evaluate)
        if batchSumCount > 0 {
            TreeOrder.sum(batchSums.pointer, terms: shards.own.count, count: batchSumCount)
            batchSumsSoFar += UnsafeBufferPointer(start: batchSums.pointer, count: batchSumCount)
        }
        if isFinite, let first = findings.compactMap(\.pass).min(by: { $0.firstSample < $1.firstSample }) {
            isFinite = false
            firstNonFiniteLoss = first.loss
        }
        return nil
    }

    private func evaluateShards(of member: Int) {
        guard let batch else { return }
        let frame = replica.lanes[member].frames[0]
        for index in stride(from: member, to: shards.own.count, by: replica.lanes.count) {
            let sums = totals.pointer + index * numbers
            let shard = shards.samples(shards.own.lowerBound + index, of: batch)
            for samples in Passes(shard, most: replica.plan.samples) {
                frame.forward(
                    batch, samples, Pass(samples, of: batch, training: false), denominators: nil, sums: sums,
                    batchSums: batchSums.pointer + index * batchSumCount)
                guard findings[member].pass == nil,
                    !(0..<replica.sumCount).allSatisfy({ sums[$0].isFinite })
                else { continue }
                findings[member].pass = (samples.lowerBound, frame.firstNonFiniteLoss(samples))
            }
        }
    }

    /// - Returns: the values of all ranks' batches, in the order of `names.names`.
    /// - Throws: `CommunicationError`
    package func finish(_ communicator: any Communicator) throws -> [Double] {
        TreeOrder.sum(totals.pointer, terms: shards.own.count, count: numbers)
        var totals = try communicator.sumInTreeOrder(
            Array(UnsafeBufferPointer(start: totals.pointer, count: numbers)))
        if batchSumCount > 0 { addBatchLosses(try communicator.sumInTreeOrder(batchSumsSoFar), to: &totals) }
        sums.set(
            totals, outputs: replica.trainedOutputs, regularization: regularizationValue(totals), samples: 1
        ) { output in
            let count = replica.sumCount + 2 * output
            return replica.labels[output].denominator(
                OutputLabels.Count(positions: totals[count], weights: totals[count + 1]), batches: batches)
        }
        return sums.list()
    }

    /// Adds the losses that are known of whole batches only, each a batch's Σ w·ℓ.
    /// - Parameter sums: over all ranks, batch after batch.
    private func addBatchLosses(_ sums: [Double], to totals: inout [Double]) {
        sums.withUnsafeBufferPointer { sums in
            guard var batch = sums.baseAddress else { return }
            for _ in 0..<batches {
                var (first, place) = (0, 0)
                for output in replica.trainedOutputs {
                    if output.batchSumCount > 0 { totals[place] += output.loss(ofBatchSums: batch + first) }
                    first += output.batchSumCount
                    place += output.sumCount
                }
                batch += batchSumCount
            }
        }
    }

    /// The terms of the loss that are not of outputs: of the weights as they are, and a mean over all samples; `nil` if there
    /// are none.
    private func regularizationValue(_ totals: [Double]) -> Double? {
        let regularization = replica.regularization
        guard replica.graph.hasRegularizers else { return nil }
        let ofWeights = regularization.value(of: replica.executor.weights.pointer)
        guard replica.graph.hasActivityRegularizers else { return ofWeights }
        let place = replica.sumCount - ControlNumbers.ofActivities
        return ofWeights + (totals[place + 1] == 0 ? 0 : totals[place] / totals[place + 1])
    }
}
