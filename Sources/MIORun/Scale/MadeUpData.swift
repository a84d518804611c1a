import Foundation
import MIOData
import MIOTensor

/// Samples that no one drew: real columns uniform in [0, 1), every class 0.
enum MadeUpData {
    /// - Throws: `FileError`, `DataError`
    static func open(columns: [ColumnRequest], rows: Int) throws -> Dataset {
        let path = FileManager.default.temporaryDirectory.path + "/mio-scale-\(UUID().uuidString).npz"
        defer { unlink(path) }
        var random = PhiloxSequence(seed: 1, stream: 0)
        try NpzWriter.write(
            columns.filter(\.isRequired).map { column in
                let shape = Shape([rows] + column.shape.dimensions)
                let values = (0..<shape.count).map { _ in
                    column.kind == .classIndex ? 0 : random.nextUniform(0, 1)
                }
                return (column.name, Tensor(shape: shape, values: values))
            }, to: path)
        return try Dataset(DataSpecification(files: [path], folder: "/"), columns: columns)
    }
}
