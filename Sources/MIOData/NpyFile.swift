import MIOFiles

/// A file of one array as `numpy.save` writes it.
public enum NpyFile {
    /// Maps the array.
    /// - Parameter scratch: takes the copy of an array in column-major or big-endian order.
    /// - Throws: `DataError` if the file is missing, empty, cut short, or its array is not read.
    public static func open(path: String, scratch: ScratchStore = ScratchStore()) throws -> DataArray {
        try open(MappedFile.shard(path), scratch: scratch)
    }

    static func open(_ file: MappedFile, scratch: ScratchStore) throws -> DataArray {
        try DataArray(npy: file.bytes, owner: file, place: file.path, scratch: scratch)
    }
}
