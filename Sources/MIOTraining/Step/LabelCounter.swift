import MIOData
import MIOTensor

/// Counts the labels of a rank's part of a batch, shard by shard, and adds the shards' counts up in the order of a tree.
final class LabelCounter {
    private let replica: Replica
    private let shards: VirtualShards
    private let tree: TreeAccumulator<Double>

    init(replica: Replica, shards: VirtualShards) {
        self.replica = replica
        self.shards = shards
        tree = TreeAccumulator(terms: shards.own.count, count: 2 * replica.heads.count)
    }

    /// Marks the labels of the batch that comes next.
    /// - Parameter counts: two doubles a head: labelled positions, their weights.
    /// - Returns: the first label that a loss cannot take. Such a batch must not be run.
    func count(_ batch: Batch?, into counts: UnsafeMutablePointer<Double>) -> LabelFault? {
        var fault: LabelFault?
        for shard in shards.own {
            let samples = batch.map { shards.samples(shard, of: $0) } ?? 0..<0
            let found = replica.markFollowing(batch, samples, counts: counts)
            fault = fault ?? found
            tree.take(counts)
        }
        return fault
    }
}
