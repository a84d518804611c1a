import MIOComm
import MIOKernels
import MIOPlan

/// Hands a rank's buckets of gradients to their reduction, in their order, as its lanes complete them.
final class BucketHandover {
    private let replica: Replica
    private let reduction: GradientReduction
    private let sum: LaneSum
    private let buckets: [Plan.Bucket]
    /// Whether buckets go before all are complete.
    let startsEarly: Bool

    // Of the step at hand.
    @exclusivity(unchecked) private var next = 0
    @exclusivity(unchecked) private var failure: CommunicationError?

    init(replica: Replica, reduction: GradientReduction, sum: LaneSum, startsEarly: Bool) {
        self.replica = replica
        self.reduction = reduction
        self.sum = sum
        self.startsEarly = startsEarly
        buckets = replica.plan.buckets
    }

    func begin() { next = 0 }

    /// No lane has completed anything yet. Before lanes start: a late one must not seem to have completed what it
    /// completed in the step before.
    func beginTurn() {
        for lane in replica.lanes { lane.completedBuckets.store(0, ordering: .relaxed) }
    }

    /// A lane's last backward pass has come through an operation.
    func complete(_ operation: Int, _ lane: Lane) {
        let before = lane.completedBuckets.load(ordering: .relaxed)
        var count = before
        while count < buckets.count, buckets[count].completedBy >= operation { count += 1 }
        if count > before { lane.completedBuckets.store(count, ordering: .releasing) }
    }

    /// A lane without a sample has completed all that lanes complete by themselves.
    func completeAll(_ lane: Lane) {
        lane.completedBuckets.store(buckets.count { $0.completedBy >= 0 }, ordering: .releasing)
    }

    /// Hands over what all lanes have completed, on the owner's thread. A failure waits for `throwFailure`.
    func handOverCompleted() {
        guard failure == nil else { return }
        let timeline = replica.timeline
        let reducing = timeline?.now ?? 0
        defer { timeline?.record(.progress, from: reducing) }
        do throws(CommunicationError) {
            while next < buckets.count, isCompleted(next) {
                if replica.lanes.count > 1 { sum.addUp(buckets[next].range) }
                try reduction.bucketReady(next)
                next += 1
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

    func throwFailure() throws(CommunicationError) {
        if let failure = failure.take() { throw failure }
    }

    /// Hands over all others.
    func handOverRest() throws(CommunicationError) {
        while next < buckets.count {
            try reduction.bucketReady(next)
            next += 1
        }
    }

    /// The lanes' own gradients that were not yet handed over.
    var rest: Range<Int> {
        let end = replica.plan.laneElements
        return min(next < buckets.count ? buckets[next].range.lowerBound : end, end)..<end
    }
}
