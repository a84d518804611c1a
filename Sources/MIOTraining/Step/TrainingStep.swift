import MIOComm
import MIOData
import MIOGraph
import MIOKernels
import MIOPlan
import MIOTensor

/// What a rank tells the others with every step.
public struct StepSignals: Sendable {
    public var stopRequested = false
    public var errorPending = false

    public init(stopRequested: Bool = false, errorPending: Bool = false) {
        self.stopRequested = stopRequested
        self.errorPending = errorPending
    }
}

/// One optimizer step: forward ▸ losses ▸ backward ▸ reduce, overlapped ▸ optimizer.
///
/// Each output's loss is divided by that output's denominator over the *global* batch, which is known before
/// the step because every step's control sum carries the label counts of the batch after it; gradients are
/// then summed. So the number of ranks and the cut into passes change nothing but the order of additions.
///
/// A step after the first allocates nothing on its thread.
public final class TrainingStep {
    public let replica: Replica
    public let optimizer: OptimizerState
    public let names: LogNames
    /// The numbers of the step just done.
    public let sums: StepSums
    private let communicator: any Communicator
    private let reducer: BucketedReducer
    let seed: UInt64
    /// Summed over ranks each step: the heads' sums, two label counts a head of the following batch, signals.
    private let control: Storage<Double>
    private let denominators: Storage<Double>
    /// A label of the batch after the one just done that its loss cannot take: an error to tell.
    public private(set) var followingFault: LabelFault?
    private var countOffset: Int { replica.sumCount }
    private var signalOffset: Int { countOffset + 2 * replica.heads.count }

    public init(
        replica: Replica, optimizer: OptimizerState, communicator: any Communicator, seed: UInt64
    ) {
        self.replica = replica
        self.optimizer = optimizer
        self.communicator = communicator
        self.seed = seed
        reducer = BucketedReducer(
            communicator: communicator, slab: replica.executor.gradients,
            buckets: replica.plan.buckets.map(\.range))
        names = LogNames(
            heads: replica.heads.map(\.specification), outputs: replica.graph.outputs.count)
        sums = StepSums(names)
        control = Storage(count: replica.sumCount + 2 * replica.heads.count + 2)
        denominators = Storage(count: replica.heads.count)
    }

    /// Counts the labels of the first batch: before the first step, and after a resume.
    /// - Returns: a label of this rank that its loss cannot take; the run must then end.
    /// - Throws: `CommunicationError`
    public func begin(_ batch: Batch?) throws -> LabelFault? {
        control.fill(0)
        let fault = replica.markFollowing(batch, counts: control.pointer + countOffset)
        try communicator.allreduceSum(control.pointer, count: control.count)
        readDenominators()
        return fault
    }

    /// Marks the labels of the batch that comes next once more, after something else has used the heads.
    public func remark(_ batch: Batch?) {
        replica.markFollowing(batch, counts: control.pointer + countOffset)
    }

    private func readDenominators() {
        for (index, head) in replica.heads.enumerated() {
            let count = control.pointer + countOffset + 2 * index
            denominators.pointer[index] = head.denominator(
                Head.LabelCount(positions: count[0], weights: count[1]))
        }
    }

    /// Does one step on this rank's part of a global batch.
    ///
    /// - Parameters:
    ///   - step: the number of steps before it; random numbers depend on it.
    ///   - following: the batch after `batch`, whose labels are counted here; called once, when this step's
    ///     gradients are on their way.
    ///   - signals: asked last, just before the ranks exchange them.
    /// - Returns: a report equal on all ranks. If it is not finite, no weight was changed.
    /// - Throws: `CommunicationError`
    public func run(
        _ batch: Batch, step: Int, following: () -> Batch?, signals: () -> StepSignals
    ) throws -> StepReport {
        replica.advance()
        control.fill(0)
        try computeGradients(batch, step: step)

        followingFault = replica.markFollowing(following(), counts: control.pointer + countOffset)
        let signals = signals()
        control.pointer[signalOffset] = signals.stopRequested ? 1 : 0
        control.pointer[signalOffset + 1] = signals.errorPending || followingFault != nil ? 1 : 0
        try communicator.allreduceSum(control.pointer, count: control.count)
        try reducer.finish()

        collectSums()
        readDenominators()
        let isFinite = lossesAreFinite && optimizer.inspect(replica.executor.gradients)
        let learningRate = optimizer.learningRate
        if isFinite {
            optimizer.update(weights: replica.executor.weights, gradients: replica.executor.gradients)
        }
        return StepReport(
            samples: batch.globalCount, nonFinite: isFinite ? .none : .found,
            stopRequested: control.pointer[signalOffset] > 0,
            errorPending: control.pointer[signalOffset + 1] > 0, learningRate: learningRate)
    }

    private func computeGradients(_ batch: Batch, step: Int) throws {
        let plan = replica.plan
        let passes = Passes(samples: batch.count, most: plan.samples)
        reducer.begin()
        var nextBucket = 0
        // A rank without a sample still takes part in every sum.
        if passes.isEmpty { replica.executor.gradients.fill(0) }
        for (index, range) in zip(passes.indices, passes) {
            let pass = Pass(
                samples: range.count,
                context: CallContext(
                    training: true, seed: seed, step: UInt64(step),
                    firstSample: batch.firstPosition + range.lowerBound),
                accumulates: index > 0)
            replica.forward(
                batch, range, pass, denominators: denominators.pointer, sums: control.pointer)
            let isLast = index == passes.count - 1
            var failure: CommunicationError?
            replica.executor.backward(pass) { operation in
                guard isLast, failure == nil else { return }
                do throws(CommunicationError) {
                    while nextBucket < plan.buckets.count, plan.buckets[nextBucket].completedBy >= operation {
                        try reducer.bucketReady(nextBucket)
                        nextBucket += 1
                    }
                    try reducer.progress()
                } catch { failure = error }
            }
            if let failure { throw failure }
        }
        while nextBucket < plan.buckets.count {
            try reducer.bucketReady(nextBucket)
            nextBucket += 1
        }
    }

    /// The heads' reduced sums with this step's denominators between them.
    private func collectSums() {
        var source = 0
        var target = 0
        for (index, head) in replica.heads.enumerated() {
            sums.storage.pointer[target] = control.pointer[source]
            sums.storage.pointer[target + 1] = denominators.pointer[index]
            for offset in 1..<head.sumCount {
                sums.storage.pointer[target + 1 + offset] = control.pointer[source + offset]
            }
            source += head.sumCount
            target += head.sumCount + 1
        }
    }

    private var lossesAreFinite: Bool {
        var offset = 0
        for head in replica.heads {
            if !control.pointer[offset].isFinite { return false }
            offset += head.sumCount
        }
        return true
    }
}
