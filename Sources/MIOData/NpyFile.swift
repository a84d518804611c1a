import MIOFiles

/// A file of one array as `numpy.save` writes it.
public enum NpyFile {
    /// Maps the array.
    /// - Throws: `DataError` if the file is missing, empty, cut short, or its array is not read.
    public static func open(path: String) throws -> DataArray { try open(MappedFile.shard(path)) }

    static func open(_ file: MappedFile) throws -> DataArray {
        try DataArray(npy: file.bytes, owner: file, place: file.path)
    }
}
