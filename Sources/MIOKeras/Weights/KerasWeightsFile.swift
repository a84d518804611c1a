import MIOBase
import MIOFiles

/// The data sets of a file of weights, without a model.
package struct KerasWeightsFile {
    package let format: KerasFile.Format
    /// In the order of their paths.
    package let datasets: [(path: String, shape: [Int])]

    /// - Throws: `FileError`; `KerasFileError` if it is no HDF5 file.
    package init(_ path: String) throws {
        let file = try MappedFile(path)
        guard HDF5File.isHDF5(file.bytes) else { throw KerasFileError(path, "expected HDF5") }
        let hdf5 = try HDF5File(image: Array(file.bytes), name: path)
        format = try hdf5.chunkedStrings(ofAttribute: "layer_names") != nil ? .legacyWeights : .weights
        datasets = hdf5.datasets.values.map { ($0.path, $0.shape) }.sorted { $0.path < $1.path }
    }
}
