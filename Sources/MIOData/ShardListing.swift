import MIOFiles

extension DatasetRequest {
    /// All files, in order.
    /// - Throws: as ``shards()``.
    package func paths() throws -> [String] {
        switch files {
        case .shards(let globs): try FileList(globs: globs, folder: folder, key: filesKey).paths
        case .arrays(let arrays):
            try arrays.sorted { $0.key < $1.key }.flatMap {
                try FileList(globs: $0.value, folder: folder, key: filesKey).paths
            }
        case .memory: []
        }
    }

    /// One specification for each shard, in order: to open them one by one, and to find all that is wrong
    /// rather than the first. `.npy` files, which make shards together, stay together.
    /// - Throws: `DataError` of kind `missing` for a glob without a match; `FileError` for a folder that cannot
    ///   be read.
    package func shards() throws -> [DatasetRequest] {
        guard case .shards(let globs) = files else { return [self] }
        return try FileList(globs: globs, folder: folder, key: filesKey).paths.map {
            var shard = self
            shard.files = .shards([Glob.escaped($0)])
            return shard
        }
    }
}
