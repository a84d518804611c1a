import CSharedMemory
import MIOBase
import MIOComm
import MIOPlan

/// Adds up over the global batch what the stages of a step must know: the shards of a rank in the order of a tree, then the
/// ranks. With the same shards at any number of ranks the result has the same bits.
final class StageSums {
    private let reduction: GradientReduction
    private let shards: Int
    /// Where they are among the numbers that ranks add up.
    private let place: Int
    /// Range after range of the plan's sums: (shards, numbers of the range).
    private let rows: Storage<Double>
    /// Where all lanes read them.
    private let result: Storage<Double>
    private let waits: UnsafeMutablePointer<UInt64>?

    /// - Parameters:
    ///   - shards: of this rank.
    ///   - place: of the first one among the numbers that ranks add up in a step.
    ///   - waits: see `StepMarks`.
    init(
        _ plan: Plan, shards: Int, place: Int, reduction: GradientReduction, result: Storage<Double>,
        waits: UnsafeMutablePointer<UInt64>? = nil
    ) {
        self.reduction = reduction
        self.shards = shards
        self.place = place
        self.result = result
        self.waits = waits
        rows = Storage(count: shards * plan.batchSumCount)
    }

    func begin() { rows.fill(0) }

    /// Where a shard adds what it contributes to some sums.
    func row(_ shard: Int, of sums: Range<Int>) -> UnsafeMutablePointer<Double> {
        rows.pointer + shards * sums.lowerBound + shard * sums.count
    }

    /// All ranks call it with the same sums, in the same order, each range once a step.
    /// - Throws: `CommunicationError`
    func sum(_ sums: Range<Int>) throws {
        let first = row(0, of: sums)
        TreeOrder.sum(first, terms: shards, count: sums.count)
        if let waits { mio_store_relaxed(waits, 1) }
        try reduction.sum(first, count: sums.count, at: place + sums.lowerBound)
        if let waits { mio_store_relaxed(waits, 0) }
        result.pointer.advanced(by: sums.lowerBound).update(from: first, count: sums.count)
    }
}
