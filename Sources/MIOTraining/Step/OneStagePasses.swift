import MIOBase
import MIOBatches
import MIOKernels
import MIOPlan

/// Takes one turn after the other through a plan of one stage: each pass forward and backward, in the memory that the pass
/// before has used.
final class OneStagePasses: BatchPasses {
    private let work: GradientWork
    // Of the work, here too: a step of some microseconds would notice the way.
    private let replica: Replica
    private let buckets: BucketHandover
    private let sum: LaneSum
    private let denominators: Storage<Double>
    private let seed: UInt64
    private let turns: Int
    /// What members of the team do, made once: it would be an allocation.
    @exclusivity(unchecked) private var compute: (Int) -> Void = { _ in }
    @exclusivity(unchecked) private var turn = 0

    init(_ work: GradientWork) {
        self.work = work
        replica = work.replica
        buckets = work.buckets
        sum = work.sum
        denominators = work.denominators
        seed = work.seed
        turns = work.turns
        compute = { [unowned self] in computeShard($0) }
    }

    func run() throws {
        for turn in 0..<turns {
            self.turn = turn
            buckets.beginTurn()
            try work.runLanes(compute)
            sum.takeTurn(rest: buckets.rest)
        }
    }

    /// A lane's shard of the turn.
    private func computeShard(_ member: Int) {
        guard let batch = work.batch else { return }
        let step = work.step
        let lane = replica.lanes[member]
        let frame = lane.frames[0]
        let sums = sum.sums(ofLane: member)
        sums.update(repeating: 0, count: sum.numbers)
        let passes = work.passes(turn, member, of: batch)
        for index in passes.indices {
            let samples = passes[index]
            let pass = Pass(
                samples, of: batch, training: true, seed: seed, step: step, accumulates: index > 0)
            frame.forward(batch, samples, pass, denominators: denominators.pointer, sums: sums)
            let completes = turns == 1 && index == passes.count - 1 && buckets.startsEarly
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
