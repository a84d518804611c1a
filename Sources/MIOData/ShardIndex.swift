import MIOBase
import MIOBatches

/// Which shard holds a row. A search by halves would take a wrong turn at every second row of a shuffled batch: here rows
/// are cut into blocks, of which it is known where the first row is, and few blocks have the start of a shard inside.
struct ShardIndex {
    /// The row that each shard starts with, and the end of the last. Empty shards start where the next does.
    private let firstRows: Storage<Int>
    private let shardOfBlock: Storage<Int32>
    /// A block has 2 to this power rows: a shift finds it.
    private let blockBits: Int

    /// - Precondition: `firstRows` ascends from 0, to at least 1.
    init(firstRows: [Int]) {
        let (rowCount, shardCount) = (firstRows.last!, firstRows.count - 1)
        precondition(firstRows[0] == 0 && rowCount > 0)
        self.firstRows = Storage(count: firstRows.count)
        self.firstRows.pointer.update(from: firstRows, count: firstRows.count)
        var bits = 0
        while (rowCount - 1) >> bits >= max(1024, 4 * shardCount) { bits += 1 }
        blockBits = bits
        shardOfBlock = Storage(count: ((rowCount - 1) >> bits) + 1)
        var shard = 0
        for block in 0..<shardOfBlock.count {
            while firstRows[shard + 1] <= block << bits { shard += 1 }
            shardOfBlock.pointer[block] = Int32(shard)
        }
    }

    /// - Precondition: `row` is one of the data set's.
    func place(ofRow row: Int) -> RowPlace {
        let firstRows = firstRows.pointer
        var shard = Int(shardOfBlock.pointer[row >> blockBits])
        while firstRows[shard + 1] <= row { shard += 1 }
        return RowPlace(shard: shard, row: row - firstRows[shard])
    }
}
