import MIOBatches

/// The parts of a global batch whose gradients are made one by one and added up in the order of a tree.
///
/// Usually a rank's part has one shard for each of its lanes. With `training.reproducible: strict` the batch has the same
/// shards at any number of ranks and lanes, and a rank holds several: consecutive ones, as many as a power of two, so that
/// they are a subtree.
package struct VirtualShards: Hashable, Sendable {
    /// Of the global batch.
    package let total: Int
    /// Those of this rank.
    package let own: Range<Int>

    /// - Precondition: `total` is a multiple of the world's size.
    package init(total: Int, rank: Int, worldSize: Int) {
        precondition(total % worldSize == 0, "\(total) shards for \(worldSize) ranks")
        self.total = total
        let each = total / worldSize
        own = rank * each..<(rank + 1) * each
    }

    /// A shard's samples, counted from the first of this rank's part.
    func samples(_ shard: Int, of batch: Batch) -> Range<Int> {
        let (count, first) = (batch.globalCount, batch.firstPosition)
        return count * shard / total - first..<count * (shard + 1) / total - first
    }

    /// The most samples a shard of batches of this size has.
    package func largest(batchSize: Int) -> Int { (batchSize + total - 1) / total }

    /// The sizes a rank's shards have in a batch of so many samples.
    package func sizes(globalCount: Int) -> Set<Int> {
        Set(own.map { globalCount * ($0 + 1) / total - globalCount * $0 / total })
    }
}
