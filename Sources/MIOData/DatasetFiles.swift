import MIOFiles

extension Dataset {
    /// What tells one state of a shard's files from another, without reading their samples.
    package struct ShardFacts: Hashable, Sendable {
        /// Of its files: several for a shard of `.npy` files.
        package let paths: [String]
        /// Bytes of all its files.
        package let byteCount: Int
        package let rowCount: Int
        /// Of all types, shapes and checksums of its arrays; `nil` where the format has no checksums, as `.npy` and CSV.
        package let checksum: UInt32?
    }

    package var shardFacts: [ShardFacts] {
        shards.map { shard in
            let arrays = zip(columns, shard.arrays).compactMap { column, array in array.map { (column, $0) } }
            let lines = arrays.compactMap { column, array in
                array.checksum.map { "\(column.name) \(array.elementType.rawValue) \(array.rowShape) \($0)" }
            }
            return ShardFacts(
                paths: shard.paths, byteCount: shard.byteCount, rowCount: shard.rowCount,
                checksum: lines.count == arrays.count && !lines.isEmpty
                    ? CRC32.of(Array(lines.joined(separator: "\n").utf8)) : nil)
        }
    }
}
