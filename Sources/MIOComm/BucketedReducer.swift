import MIOTensor

/// Sums the gradient slab over all ranks, bucket by bucket, while backward still computes later buckets:
/// flashlight's two verbs, add and finalize (`CoalescingReducer.cpp`), with buckets fixed by the plan.
///
/// A step is `begin`, `bucketReady` for every bucket in order, `finish`; `progress` anywhere between. It
/// allocates nothing itself. In a world of one rank nothing is called at all.
///
/// It uses the communicator's slots from 0 on, so that a communicator serves one reducer at a time.
public final class BucketedReducer {
    public let buckets: [Range<Int>]
    private let communicator: any Communicator
    private let slab: Storage<Float>
    private let isAlone: Bool
    /// The number of buckets ready in this step; `nil` between steps.
    private var ready: Int?

    /// - Parameters:
    ///   - slab: the gradients, ordered by backward's completion.
    ///   - buckets: ranges of `slab` in the order in which they become ready, the same on all ranks.
    /// - Precondition: the buckets lie in the slab and do not overlap.
    public init(communicator: any Communicator, slab: Storage<Float>, buckets: [Range<Int>]) {
        var end = 0
        for bucket in buckets.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            precondition(
                bucket.lowerBound >= end && bucket.upperBound <= slab.count,
                "the bucket \(bucket) overlaps another or leaves the slab of \(slab.count)")
            end = bucket.upperBound
        }
        self.communicator = communicator
        self.slab = slab
        self.buckets = buckets
        isAlone = communicator.size == 1
        if !isAlone { communicator.reserve(slots: buckets.count) }
    }

    /// Starts a step.
    /// - Precondition: the step before is finished.
    public func begin() {
        precondition(ready == nil, "begin() before finish() of the step before")
        ready = 0
    }

    /// This rank's gradients of a bucket are complete: starts their sum over all ranks. They may not be
    /// touched until `finish` returns.
    /// - Precondition: buckets become ready in the order 0, 1, 2, …, each once a step.
    /// - Throws: `CommunicationError`.
    public func bucketReady(_ index: Int) throws(CommunicationError) {
        guard let expected = ready else { preconditionFailure("bucketReady(\(index)) before begin()") }
        precondition(
            index == expected && index < buckets.count,
            "bucket \(index) of \(buckets.count) is ready when bucket \(expected) is due")
        ready = index + 1
        guard !isAlone else { return }
        let bucket = buckets[index]
        try communicator.startAllreduceSum(slab.pointer + bucket.lowerBound, count: bucket.count, slot: index)
    }

    /// Moves the started sums along; call it between layers' backward passes.
    /// - Throws: `CommunicationError`.
    public func progress() throws(CommunicationError) {
        guard !isAlone else { return }
        try communicator.progress()
    }

    /// Returns when all buckets hold their sums over all ranks: the slab is then valid on every rank.
    /// - Precondition: every bucket has been marked ready.
    /// - Throws: `CommunicationError`.
    public func finish() throws(CommunicationError) {
        guard let ready else { preconditionFailure("finish() before begin()") }
        precondition(ready == buckets.count, "finish() with \(ready) of \(buckets.count) buckets ready")
        self.ready = nil
        guard !isAlone else { return }
        for index in buckets.indices { try communicator.wait(slot: index) }
    }
}
