import CVectorLoops
import MIOComm
import MIOData
import MIOGraph
import MIOKernels
import MIOPlan
import MIOTensor
import MIOThreads

/// Computes a rank's sums and gradients of a batch, and hands the gradients to their reduction as they come.
///
/// The lanes take the rank's shards in turns, one each. What they have made is added up in the order of a tree: first of a
/// turn's lanes, then of the turns. A power of two of lanes is a subtree, so that their number changes no bit.
final class BatchGradients {
    private let replica: Replica
    private let shards: VirtualShards
    private let seed: UInt64
    private let reduction: GradientReduction
    private let buckets: [Plan.Bucket]
    /// Each head's, of the global batch.
    private let denominators: Storage<Double>
    /// (lanes, numbers): the heads' sums.
    private let laneSums: Storage<Double>
    private let numbers: Int
    private let turns: Int
    /// Of the turns so far.
    private let gradientTree: TreeAccumulator<Float>
    private let sumTree: TreeAccumulator<Double>
    /// The lanes' gradients; the sums come to the first.
    private let slabs: UnsafeMutablePointer<UnsafePointer<Float>?>
    /// Whether a bucket's way is so long that it is worth adding it up before all are complete.
    private let startsEarly: Bool
    /// What members of the team do, made once: each would be an allocation.
    private var compute: (Int) -> Void = { _ in }
    private var addUp: (Int) -> Void = { _ in }

    // Of the step at hand.
    private var batch: Batch?
    private var step = 0
    private var turn = 0
    private var nextBucket = 0
    private var failure: CommunicationError?
    private var ownEnd: UInt64 = 0

    /// - Parameters:
    ///   - sums: the numbers that the heads add up.
    ///   - denominators: read in each step.
    init(
        replica: Replica, shards: VirtualShards, seed: UInt64, reduction: GradientReduction,
        communicator: any Communicator, sums: Int, denominators: Storage<Double>
    ) {
        let lanes = replica.lanes.count
        precondition(shards.own.count % lanes == 0, "\(shards.own.count) shards for \(lanes) lanes")
        self.replica = replica
        self.shards = shards
        self.seed = seed
        self.reduction = reduction
        self.denominators = denominators
        buckets = replica.plan.buckets
        numbers = sums
        laneSums = Storage(count: lanes * sums)
        turns = shards.own.count / lanes
        gradientTree = TreeAccumulator(terms: turns, count: replica.plan.trainedElements) {
            mio_sum_pair($0.count, $0.pointer, $1, $1)
        }
        sumTree = TreeAccumulator(terms: turns, count: sums)
        slabs = .allocate(capacity: lanes)
        for (index, lane) in replica.lanes.enumerated() {
            (slabs + index).initialize(to: UnsafePointer(lane.executor.gradients.pointer))
        }
        startsEarly = lanes == 1 || communicator.group.count > 1
        compute = { [unowned self] in computeShard($0) }
        addUp = { [unowned self] in addUpSlice($0) }
    }

    deinit { slabs.deallocate() }

    /// Leaves the sums of this rank's part of a batch in `sums`, and all its buckets with the reduction.
    /// - Throws: `CommunicationError`
    func run(_ batch: Batch, step: Int, sums: UnsafeMutablePointer<Double>) throws {
        self.batch = batch
        self.step = step
        defer { self.batch = nil }
        nextBucket = 0
        let timeline = replica.timeline
        for turn in 0..<turns {
            self.turn = turn
            // Here, for a lane that is late must not seem to have completed what it completed in the step before.
            for lane in replica.lanes { lane.completedBuckets.store(0, ordering: .relaxed) }
            replica.team.run(compute)
            if let failure = failure.take() { throw failure }
            if replica.lanes.count > 1 { timeline?.record(.lanes, from: ownEnd) }
            let adding = timeline?.now ?? 0
            addUpLanes()
            gradientTree.take(replica.executor.gradients.pointer)
            sumTree.take(laneSums.pointer)
            timeline?.record(.tree, from: adding)
        }
        sums.update(from: laneSums.pointer, count: numbers)
        while nextBucket < buckets.count {
            try reduction.bucketReady(nextBucket)
            nextBucket += 1
        }
    }

    // MARK: A lane's shard

    private func computeShard(_ member: Int) {
        guard let batch else { return }
        let lane = replica.lanes[member]
        let sums = laneSums.pointer + member * numbers
        sums.update(repeating: 0, count: numbers)
        let shard = shards.own.lowerBound + turn * replica.lanes.count + member
        let passes = Passes(shards.samples(shard, of: batch), most: replica.plan.samples)
        for index in passes.indices {
            let samples = passes[index]
            let pass = Pass(
                samples, of: batch, training: true, seed: seed, step: step, accumulates: index > 0)
            lane.forward(batch, samples, pass, denominators: denominators.pointer, sums: sums)
            let completes = turns == 1 && index == passes.count - 1
            lane.executor.backward(pass) { operation in
                guard completes, startsEarly else { return }
                complete(operation, lane)
                if member == 0 { startBuckets() }
            }
        }
        // A shard without a sample still takes part in every sum.
        if passes.isEmpty {
            lane.executor.gradients.fill(0)
            lane.completedBuckets.store(buckets.count, ordering: .releasing)
        }
        if member == 0 { ownEnd = replica.timeline?.now ?? 0 }
    }

    /// A lane's backward pass has come through an operation.
    private func complete(_ operation: Int, _ lane: Lane) {
        let before = lane.completedBuckets.load(ordering: .relaxed)
        var count = before
        while count < buckets.count, buckets[count].completedBy >= operation { count += 1 }
        if count > before { lane.completedBuckets.store(count, ordering: .releasing) }
    }

    /// Hands over what all lanes have completed, on the owner's thread.
    private func startBuckets() {
        guard failure == nil else { return }
        let timeline = replica.timeline
        let reducing = timeline?.now ?? 0
        defer { timeline?.record(.progress, from: reducing) }
        do throws(CommunicationError) {
            while nextBucket < buckets.count, isCompleted(nextBucket) {
                if replica.lanes.count > 1 { addUp(buckets[nextBucket].range) }
                try reduction.bucketReady(nextBucket)
                nextBucket += 1
            }
            try reduction.progress()
        } catch { failure = error }
    }

    private func isCompleted(_ bucket: Int) -> Bool {
        for lane in replica.lanes where lane.completedBuckets.load(ordering: .acquiring) <= bucket {
            return false
        }
        return true
    }

    // MARK: The lanes' sum

    /// What of the gradients was not yet handed over.
    private var rest: Range<Int> {
        let end = replica.plan.trainedElements
        return (nextBucket < buckets.count ? buckets[nextBucket].range.lowerBound : end)..<end
    }

    private func addUpLanes() {
        let lanes = replica.lanes.count
        guard lanes > 1 else { return }
        TreeOrder.sum(laneSums.pointer, terms: lanes, count: numbers)
        let rest = rest
        if rest.count < ThreadTeam.worthSharing { addUp(rest) } else { replica.team.run(addUp) }
    }

    private func addUpSlice(_ member: Int) {
        addUp(rest.share(of: member, among: replica.lanes.count, unit: 16))
    }

    private func addUp(_ range: Range<Int>) {
        _ = mio_sum_slabs(
            range.count, slabs, range.lowerBound, replica.lanes.count,
            replica.executor.gradients.pointer + range.lowerBound)
    }
}
