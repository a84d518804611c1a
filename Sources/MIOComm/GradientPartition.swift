/// Which rank of a group adds up, and later updates, which part of the gradients.
///
/// The slab is cut into blocks, none of which lies in two weights; each bucket's blocks are dealt out to the ranks
/// of a group in consecutive slices of about equal length. Blocks are the same at any number of ranks, so that what is
/// computed a block at a time (norms) is too.
package struct GradientPartition: Sendable {
    package struct Block: Hashable, Sendable {
        package let range: Range<Int>
        /// Its weight, by its place among the ranges given.
        package let weight: Int

        package init(range: Range<Int>, weight: Int) {
            self.range = range
            self.weight = weight
        }
    }

    package let blocks: [Block]
    /// For each bucket, its blocks.
    let blocksOfBucket: [Range<Int>]
    /// For each bucket and rank of the group, its blocks.
    private let slices: [[Range<Int>]]

    /// Elements of a block: 8 KiB stay in the first-level cache while several passes go over them.
    package static let blockElements = 2048

    /// - Parameters:
    ///   - weights: their ranges of the slab, ascending; what lies between one and the next is zero, and counted
    ///     to the one.
    ///   - buckets: for each bucket, in the order of the slab, how many of the weights it has.
    ///   - ranks: of a group.
    package init(weights: [Range<Int>], buckets: [Int], ranks: Int) {
        precondition(buckets.reduce(0, +) == weights.count, "the buckets must hold all weights")
        var blocks: [Block] = []
        var blocksOfBucket: [Range<Int>] = []
        var weight = 0
        for count in buckets {
            let first = blocks.count
            for index in weight..<weight + count {
                let isLast = index == weights.count - 1
                let end = isLast ? weights[index].upperBound : weights[index + 1].lowerBound
                var start = weights[index].lowerBound
                while start < end {
                    let next = min(end, start + Self.blockElements)
                    blocks.append(Block(range: start..<next, weight: index))
                    start = next
                }
            }
            weight += count
            blocksOfBucket.append(first..<blocks.count)
        }
        self.blocks = blocks
        self.blocksOfBucket = blocksOfBucket
        slices = blocksOfBucket.map { Self.slices(blocks, $0, ranks: ranks) }
    }

    /// Consecutive blocks for each rank: those whose middle lies in its share of the elements.
    private static func slices(_ blocks: [Block], _ bucket: Range<Int>, ranks: Int) -> [Range<Int>] {
        guard let first = bucket.first, let last = bucket.last else {
            return [Range<Int>](repeating: bucket, count: ranks)
        }
        let start = blocks[first].range.lowerBound
        let length = blocks[last].range.upperBound - start
        var next = first
        return (0..<ranks).map { rank in
            let begin = next
            while next < bucket.upperBound {
                let middle = (blocks[next].range.lowerBound + blocks[next].range.upperBound) / 2 - start
                guard rank == ranks - 1 || middle * ranks < length * (rank + 1) else { break }
                next += 1
            }
            return begin..<next
        }
    }

    /// The blocks that a rank adds up of a bucket.
    package func blocks(ofBucket bucket: Int, rank: Int) -> Range<Int> { slices[bucket][rank] }

    /// The elements of consecutive blocks.
    package func elements(of blocks: Range<Int>) -> Range<Int> {
        guard let first = blocks.first, let last = blocks.last else { return 0..<0 }
        return self.blocks[first].range.lowerBound..<self.blocks[last].range.upperBound
    }

    /// What a rank updates: consecutive elements of one weight each, in order.
    package func runs(ofRank rank: Int) -> [Block] {
        var runs: [Block] = []
        for bucket in slices.indices {
            for block in blocks[slices[bucket][rank]] {
                if let last = runs.last, last.weight == block.weight,
                    last.range.upperBound == block.range.lowerBound
                {
                    runs[runs.count - 1] = Block(
                        range: last.range.lowerBound..<block.range.upperBound, weight: last.weight)
                } else {
                    runs.append(block)
                }
            }
        }
        return runs
    }
}
