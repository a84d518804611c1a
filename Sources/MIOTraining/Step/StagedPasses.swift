import MIOBatches
import MIOKernels
import MIOPlan

/// Takes all passes of all turns through each stage of a plan, and then adds up over the batch what the next stage must
/// know: each pass has a frame, each turn a slab of gradients.
final class StagedPasses: BatchPasses {
    private let work: GradientWork
    private let batchSums: StageSums
    private let stages: [Plan.Stage]
    /// What members of the team do, made once: each would be an allocation.
    @exclusivity(unchecked) private var forwardStage: (Int) -> Void = { _ in }
    @exclusivity(unchecked) private var backwardStage: (Int) -> Void = { _ in }
    @exclusivity(unchecked) private var stage = 0

    init(_ work: GradientWork, batchSums: StageSums) {
        self.work = work
        self.batchSums = batchSums
        stages = work.replica.plan.stages
        forwardStage = { [unowned self] in computeForward($0) }
        backwardStage = { [unowned self] in computeBackward($0) }
    }

    func run() throws {
        let buckets = work.buckets
        batchSums.begin()
        work.sum.clearSums()
        buckets.beginTurn()
        for stage in stages.indices {
            self.stage = stage
            try sumOverBatch(stages[stage].forwardSums)
            try work.runLanes(forwardStage)
        }
        for stage in stages.indices.reversed() {
            self.stage = stage
            try work.runLanes(backwardStage)
            // All ranks have completed the same buckets by now: they may only travel in the same order.
            if buckets.startsEarly { buckets.handOverCompleted() }
            try buckets.throwFailure()
            try sumOverBatch(stages[stage].backwardSums)
        }
        for turn in 0..<work.turns { work.sum.takeTurn(turn, rest: buckets.rest) }
    }

    private func sumOverBatch(_ sums: Range<Int>) throws {
        guard !sums.isEmpty else { return }
        let meeting = work.replica.timeline?.now ?? 0
        try batchSums.sum(sums)
        work.replica.timeline?.record(.stage, from: meeting)
    }

    /// A lane's passes through a stage forward, and what they contribute to the sums before the next one.
    private func computeForward(_ member: Int) {
        forEachPass(of: member) { batch, turn, samples, pass, frame, _ in
            let sums = work.sum.sums(ofLane: member, turn: turn)
            if stage == 0 { frame.begin(batch, samples, sums: sums) }
            frame.executor.forward(pass, stage: stages[stage])
            if stage + 1 < stages.count {
                let next = stages[stage + 1]
                let row = batchSums.row(work.shard(turn, member), of: next.forwardSums)
                frame.executor.addForwardSums(pass, stage: next, to: row)
                if stage + 2 == stages.count {
                    frame.addLossSums(
                        batch, samples, denominators: work.denominators.pointer,
                        to: row - next.forwardSums.lowerBound)
                }
            } else {
                frame.evaluate(batch, samples, denominators: work.denominators.pointer, sums: sums)
            }
        }
    }

    /// A lane's passes back through a stage: first the operations that begin the stage after it, whose sums are known now;
    /// then its own, up to those that need sums themselves.
    private func computeBackward(_ member: Int) {
        let buckets = work.buckets
        let lane = work.replica.lanes[member]
        let own = stages[stage]
        let end = stage + 1 < stages.count ? stages[stage + 1].summing.upperBound : own.operations.upperBound
        let operations = own.summing.upperBound..<end
        let completes = work.turns == 1 && buckets.startsEarly
        forEachPass(of: member) { _, turn, _, pass, frame, isLast in
            frame.executor.backward(pass, operations) { operation in
                guard isLast, completes else { return }
                buckets.complete(operation, lane)
                if member == 0 { buckets.handOverCompleted() }
            }
            frame.executor.addBackwardSums(
                pass, stage: own, to: batchSums.row(work.shard(turn, member), of: own.backwardSums))
        }
        guard completes, !operations.isEmpty,
            work.batch.map({ work.passes(0, member, of: $0).isEmpty }) ?? true
        else { return }
        buckets.complete(operations.lowerBound, lane)
    }

    private func forEachPass(
        of member: Int,
        _ body: (
            _ batch: Batch, _ turn: Int, _ samples: Range<Int>, _ pass: Pass, _ frame: Frame, _ isLast: Bool
        ) -> Void
    ) {
        guard let batch = work.batch else { return }
        let (replica, turns) = (work.replica, work.turns)
        for turn in 0..<turns {
            let passes = work.passes(turn, member, of: batch)
            for index in passes.indices {
                body(
                    batch, turn, passes[index],
                    Pass(
                        passes[index], of: batch, training: true, seed: work.seed, step: work.step,
                        accumulates: index > 0, usesBatchSums: true),
                    replica.frame(of: member, turn: turn, pass: index, turns: turns),
                    index == passes.count - 1)
            }
            // A shard without a sample still takes part in every sum.
            if passes.isEmpty, stage == stages.count - 1 {
                replica.frame(of: member, turn: turn, pass: 0, turns: turns).executor.clearGradients()
            }
        }
        work.ends(member)
    }
}
