import MIOBatches
import MIOKernels
import MIOPlan

/// Takes one turn after the other through a plan of one stage: each pass forward and backward, in the memory that the pass
/// before has used.
final class OneStagePasses: BatchPasses {
    private let work: GradientWork
    /// What members of the team do, made once: it would be an allocation.
    @exclusivity(unchecked) private var compute: (Int) -> Void = { _ in }
    @exclusivity(unchecked) private var turn = 0

    init(_ work: GradientWork) {
        self.work = work
        compute = { [unowned self] in computeShard($0) }
    }

    func run() throws {
        for turn in 0..<work.turns {
            self.turn = turn
            work.buckets.beginTurn()
            try work.runLanes(compute)
            work.sum.takeTurn(rest: work.buckets.rest)
        }
    }

    /// A lane's shard of the turn.
    private func computeShard(_ member: Int) {
        guard let batch = work.batch else { return }
        let (replica, buckets, seed, step) = (work.replica, work.buckets, work.seed, work.step)
        let lane = replica.lanes[member]
        let frame = lane.frames[0]
        let sums = work.sum.sums(ofLane: member)
        sums.update(repeating: 0, count: work.sum.numbers)
        let passes = work.passes(turn, member, of: batch)
        for index in passes.indices {
            let samples = passes[index]
            let pass = Pass(
                samples, of: batch, training: true, seed: seed, step: step, accumulates: index > 0)
            frame.forward(batch, samples, pass, denominators: work.denominators.pointer, sums: sums)
            let completes = work.turns == 1 && index == passes.count - 1 && buckets.startsEarly
            frame.executor.backward(pass) { operation in
                guard completes else { return }
                buckets.complete(operation, lane)
                if member == 0 { buckets.handOverCompleted() }
            }
        }
        // A shard without a sample still takes part in every sum.
        if passes.isEmpty {
            frame.executor.clearGradients()
            buckets.completeAll(lane)
        }
        work.ends(member)
    }
}
