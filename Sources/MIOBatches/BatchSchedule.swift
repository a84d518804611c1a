/// How an epoch's positions are cut into global batches, and those among ranks.
package struct BatchSchedule: Hashable, Sendable {
    /// The samples of the data set.
    package let rowCount: Int
    /// The samples of a global batch. The last one of an epoch has what is left.
    package let batchSize: Int

    /// - Precondition: `rowCount` is not negative, `batchSize` is positive.
    package init(rowCount: Int, batchSize: Int) {
        precondition(rowCount >= 0 && batchSize > 0, "batches of \(batchSize) of \(rowCount) rows")
        self.rowCount = rowCount
        self.batchSize = batchSize
    }

    package var batchesPerEpoch: Int { rowCount / batchSize + (rowCount % batchSize == 0 ? 0 : 1) }

    /// The positions in the epoch's order that make global batch `batch`.
    /// - Precondition: `batch` is in `0..<batchesPerEpoch`.
    package func positions(ofBatch batch: Int) -> Range<Int> {
        precondition(batch >= 0 && batch < batchesPerEpoch, "batch \(batch) of \(batchesPerEpoch)")
        let start = batch * batchSize
        return start..<start + min(batchSize, rowCount - start)
    }

    /// The part of a global batch that a rank computes, counted from the batch's first sample: from
    /// `size * rank / worldSize` on. Parts are contiguous, differ by at most one sample, and may be empty.
    /// - Precondition: `rank` is in `0..<worldSize`.
    package func part(ofBatch batch: Int, rank: Int, worldSize: Int) -> Range<Int> {
        precondition(rank >= 0 && rank < worldSize, "rank \(rank) of \(worldSize)")
        let size = positions(ofBatch: batch).count
        func bound(_ rank: Int) -> Int {
            worldSize.dividingFullWidth(size.multipliedFullWidth(by: rank)).quotient
        }
        return bound(rank)..<bound(rank + 1)
    }

    /// The most samples that a rank's part of any batch has.
    package func largestPart(worldSize: Int) -> Int {
        let size = min(batchSize, rowCount)
        return size / worldSize + (size % worldSize == 0 ? 0 : 1)
    }
}
