import MIOFiles

/// A file of one array as `numpy.save` writes it.
package enum NpyFile {
    /// Maps the array.
    /// - Parameters:
    ///   - classes: the texts that elements may be, which become their positions; `nil` if they must be numbers.
    ///   - scratch: takes the copy of an array of texts, or in column-major or big-endian order.
    /// - Throws: `DataError` if the file is missing, empty, cut short, or its array is not read.
    package static func open(
        path: String, classes: [String]? = nil, scratch: ScratchStore = ScratchStore()
    ) throws -> DataArray {
        try open(MappedFile.shard(path), classes: classes, scratch: scratch)
    }

    static func open(_ file: MappedFile, classes: [String]? = nil, scratch: ScratchStore) throws -> DataArray
    {
        try DataArray(npy: file.bytes, owner: file, place: file.path, classes: classes, scratch: scratch)
    }
}
