import MIOBase
import MIOBatches
import MIOComm

/// Counts the labels of a rank's part of a batch, shard by shard, and adds the shards' counts up in the order of a tree.
final class LabelCounter {
    private let replica: Replica
    private let shards: VirtualShards
    /// (shards, numbers)
    private let rows: Storage<Double>
    private let numbers: Int

    init(replica: Replica, shards: VirtualShards) {
        self.replica = replica
        self.shards = shards
        numbers = 2 * replica.trainedOutputs.count
        rows = Storage(count: shards.own.count * numbers)
    }

    /// Marks the labels of the batch that comes next.
    /// - Parameter counts: two doubles an output: labelled positions, their weights.
    /// - Returns: the first label that a loss cannot take. Such a batch must not be run.
    func count(_ batch: Batch?, into counts: UnsafeMutablePointer<Double>) -> BatchFault? {
        var fault: BatchFault?
        for index in 0..<shards.own.count {
            let samples = batch.map { shards.samples(shards.own.lowerBound + index, of: $0) } ?? 0..<0
            let found = replica.markFollowing(
                batch, samples, counts: rows.pointer + index * numbers, training: true)
            fault = fault ?? found
        }
        TreeOrder.sum(rows.pointer, terms: shards.own.count, count: numbers)
        counts.update(from: rows.pointer, count: numbers)
        return fault
    }
}
