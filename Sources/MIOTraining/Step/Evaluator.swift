import MIOComm
import MIOData
import MIOGraph
import MIOKernels
import MIOTensor

/// Adds up losses and metrics over batches without a gradient; one sum over the ranks at the end.
public final class Evaluator {
    public let names: LogNames
    private let replica: Replica
    /// The heads' sums, then two label counts a head.
    private let totals: Storage<Double>
    private let counts: Storage<Double>
    private let sums: StepSums
    private var batches = 0

    public init(replica: Replica) {
        self.replica = replica
        names = LogNames(heads: replica.heads.map(\.specification), outputs: replica.graph.outputs.count)
        counts = Storage(count: 2 * replica.heads.count)
        totals = Storage(count: replica.sumCount + counts.count)
        sums = StepSums(names)
    }

    public func begin() {
        totals.fill(0)
        batches = 0
    }

    /// Adds this rank's part of a global batch.
    /// - Returns: a label that its loss cannot take; nothing was then added.
    public func add(_ batch: Batch) -> LabelFault? {
        if let fault = replica.markFollowing(batch, counts: counts.pointer) { return fault }
        batches += 1
        replica.advance()
        let offset = replica.sumCount
        for index in 0..<counts.count { totals.pointer[offset + index] += counts.pointer[index] }
        for range in Passes(samples: batch.count, most: replica.plan.samples) {
            let pass = Pass(
                samples: range.count,
                context: CallContext(training: false, firstSample: batch.firstPosition + range.lowerBound))
            replica.forward(batch, range, pass, denominators: nil, sums: totals.pointer)
        }
        return nil
    }

    /// - Returns: the values of all ranks' batches, in the order of `names.names`.
    /// - Throws: `CommunicationError`
    public func finish(_ communicator: any Communicator) throws -> [Double] {
        try communicator.allreduceSum(totals.pointer, count: totals.count)
        var source = 0
        var target = 0
        for (index, head) in replica.heads.enumerated() {
            let count = totals.pointer + replica.sumCount + 2 * index
            sums.storage.pointer[target] = totals.pointer[source]
            sums.storage.pointer[target + 1] = head.denominator(
                Head.LabelCount(positions: count[0], weights: count[1]), batches: batches)
            for offset in 1..<head.sumCount {
                sums.storage.pointer[target + 1 + offset] = totals.pointer[source + offset]
            }
            source += head.sumCount
            target += head.sumCount + 1
        }
        return sums.list()
    }
}
