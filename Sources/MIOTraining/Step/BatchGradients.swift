import MIOBase
import MIOBatches
import MIOComm
import MIOKernels
import MIOPlan
import MIOThreads

/// Computes a rank's sums and gradients of a batch, and hands the gradients to their reduction as they come.
///
/// The lanes take the rank's shards in turns, one each. How a turn goes through the model depends on the plan: through one
/// stage (`OneStagePasses`), or stage by stage with all turns (`StagedPasses`). What the lanes have made is added up in the
/// order of a tree (`LaneSum`).
final class BatchGradients {
    private let work: GradientWork
    private let passes: any BatchPasses
    /// The part of the gradients that holds listed rows as a whole.
    private let spread: Range<Int>
    /// What members of the team do, made once: it would be an allocation.
    @exclusivity(unchecked) private var clear: (Int) -> Void = { _ in }

    /// - Parameters:
    ///   - sums: where the numbers are that ranks add up.
    ///   - denominators: read in each step.
    ///   - waits: see `StepMarks`.
    init(
        replica: Replica, shards: VirtualShards, seed: UInt64, reduction: GradientReduction,
        communicator: any Communicator, sums: ControlNumbers, denominators: Storage<Double>,
        waits: UnsafeMutablePointer<UInt64>? = nil
    ) {
        let lanes = replica.lanes.count
        precondition(shards.own.count % lanes == 0, "\(shards.own.count) shards for \(lanes) lanes")
        let work = GradientWork(
            replica: replica, shards: shards, seed: seed, reduction: reduction,
            startsEarly: lanes == 1 || communicator.group.count > 1, numbers: sums.sums,
            denominators: denominators)
        self.work = work
        if replica.plan.stages.count > 1 {
            let batchSums = StageSums(
                replica.plan, shards: shards.own.count, place: sums.count, reduction: reduction,
                result: replica.executor.batchSums, waits: waits)
            passes = StagedPasses(work, batchSums: batchSums)
        } else {
            passes = OneStagePasses(work)
        }
        spread = replica.plan.laneElements..<replica.plan.trainedElements
        clear = { [unowned self] in
            let share = spread.share(of: $0, among: lanes, unit: 16)
            (replica.executor.gradients.pointer + share.lowerBound).update(repeating: 0, count: share.count)
        }
    }

    /// Leaves the sums of this rank's part of a batch in `sums`, and all its buckets with the reduction.
    /// - Throws: `CommunicationError`
    func run(_ batch: Batch, step: Int, sums: UnsafeMutablePointer<Double>) throws {
        work.batch = batch
        work.step = step
        defer { work.batch = nil }
        work.replica.setLossWeights(step: step)
        work.buckets.begin()
        try passes.run()
        sums.update(from: work.sum.lastSums, count: work.sum.numbers)
        spreadRows()
        try work.buckets.handOverRest()
    }

    /// Writes the sum of the listed rows to where the reduction reads it. No bucket with such has been handed over.
    private func spreadRows() {
        guard !spread.isEmpty else { return }
        let replica = work.replica
        let adding = replica.timeline?.now ?? 0
        if spread.count < ThreadTeam.worthSharing {
            (replica.executor.gradients.pointer + spread.lowerBound).update(repeating: 0, count: spread.count)
        } else {
            replica.team.run(clear)
        }
        replica.executor.spreadRows()
        replica.timeline?.record(.tree, from: adding)
    }
}

/// A way of a batch's passes through the model.
protocol BatchPasses: AnyObject {
    /// Adds up the gradients and sums of the batch at hand, and hands over buckets that are complete before the end.
    /// - Throws: `CommunicationError`
    func run() throws
}
