import MIOBase
import MIOFiles

extension DatasetRequest {
    /// The shape that a sample of an array has in the first shard, as far as its header says: of `.npz` and `.npy` files.
    /// - Returns: `nil` where the files are others, or there are none of that name.
    package func sampleShape(of name: String) throws -> Shape? {
        func sample(_ array: DataArray?) -> Shape? {
            array.map { Shape(Array($0.shape.dimensions.dropFirst())) }
        }
        switch files {
        case .memory: return nil
        case .arrays(let arrays):
            guard let globs = arrays[name],
                let path = try FileList(globs: globs, folder: folder, key: filesKey).paths.first
            else { return nil }
            return sample(try NpyFile.open(path: path))
        case .shards(let globs):
            guard let path = try FileList(globs: globs, folder: folder, key: filesKey).paths.first,
                path.lowercased().hasSuffix(".npz")
            else { return nil }
            let source: String
            switch columns[name] {
            case .name(let other)?: source = other
            case .columns(let names)?: return [names.count]
            case nil: source = name
            }
            return sample(try NpzFile(path: path).array(named: source, scratch: ScratchStore()))
        }
    }
}
