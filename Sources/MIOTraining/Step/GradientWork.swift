import MIOBase
import MIOBatches
import MIOComm
import MIOKernels
import MIOPlan
import MIOThreads

/// The batch at hand, and what all ways of its passes through the model use: the rank's shards in turns, the sum of what
/// lanes make, the buckets on their way.
final class GradientWork {
    let replica: Replica
    let seed: UInt64
    /// In which the lanes take the rank's shards.
    let turns: Int
    /// Each output's, of the global batch.
    let denominators: Storage<Double>
    let sum: LaneSum
    let buckets: BucketHandover
    private let shards: VirtualShards

    // Of the step at hand.
    @exclusivity(unchecked) var batch: Batch?
    @exclusivity(unchecked) var step = 0
    /// When the owner's lane had computed its own.
    @exclusivity(unchecked) private var ownEnd: UInt64 = 0

    /// - Parameters:
    ///   - startsEarly: whether a bucket's way is so long that it is worth adding it up before all are complete.
    ///   - numbers: that the outputs add up.
    ///   - denominators: read in each step.
    init(
        replica: Replica, shards: VirtualShards, seed: UInt64, reduction: GradientReduction,
        startsEarly: Bool, numbers: Int, denominators: Storage<Double>
    ) {
        self.replica = replica
        self.shards = shards
        self.seed = seed
        self.denominators = denominators
        turns = shards.own.count / replica.lanes.count
        sum = LaneSum(replica: replica, turns: turns, numbers: numbers)
        buckets = BucketHandover(replica: replica, reduction: reduction, sum: sum, startsEarly: startsEarly)
    }

    /// Has every lane do its part.
    /// - Throws: `CommunicationError` of a bucket that was handed over meanwhile.
    func runLanes(_ part: @escaping (Int) -> Void) throws {
        replica.team.run(part)
        try buckets.throwFailure()
        if replica.lanes.count > 1 { replica.timeline?.record(.lanes, from: ownEnd) }
    }

    /// A lane has computed its own.
    func ends(_ member: Int) {
        if member == 0 { ownEnd = replica.timeline?.now ?? 0 }
    }

    /// Which of the rank's shards a lane takes in a turn.
    func shard(_ turn: Int, _ member: Int) -> Int { turn * replica.lanes.count + member }

    /// The passes of that shard of a batch.
    func passes(_ turn: Int, _ member: Int, of batch: Batch) -> Passes {
        Passes(
            shards.samples(shards.own.lowerBound + shard(turn, member), of: batch), most: replica.plan.samples
        )
    }
}
