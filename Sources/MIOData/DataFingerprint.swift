import MIOFiles

/// Checksums by which a run that goes on recognizes its data: one of the files, one of each array that is read of them.
package struct DataFingerprint: Hashable, Sendable {
    /// Of the files' names, rows and sizes.
    package let files: UInt32
    /// Of each array's types, shapes and checksums, by the array's name.
    package let arrays: [String: UInt32]

    package init(files: UInt32, arrays: [String: UInt32]) {
        self.files = files
        self.arrays = arrays
    }
}

extension Dataset {
    package var fingerprint: DataFingerprint {
        func checksum(_ lines: [String]) -> UInt32 { CRC32.of(Array(lines.joined(separator: "\n").utf8)) }
        var arrays: [String: UInt32] = [:]
        for (index, column) in columns.enumerated() where hasColumn(index) {
            arrays[column.name] = checksum(
                shards.map { shard in
                    guard let array = shard.arrays[index] else { return "" }
                    return
                        "\(array.elementType.rawValue) \(array.rowShape) \(array.checksum.map(String.init) ?? "")"
                })
        }
        // Names alone: the folder may have moved with the run.
        return DataFingerprint(
            files: checksum(
                shards.map { shard in
                    shard.paths.map(Folder.name).joined(separator: "+")
                        + " \(shard.rowCount) \(shard.byteCount)"
                }), arrays: arrays)
    }
}
