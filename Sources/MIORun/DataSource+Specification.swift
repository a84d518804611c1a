import MIOData
import MIOJob

extension DataSource {
    /// The same, as the data module takes it.
    /// - Parameters:
    ///   - job: whose data it is; its lists of classes are known.
    ///   - key: `train`, `validation` or `test`: the part of the job whose keys it has.
    ///   - filesKey: where its globs are written, if not in that part.
    public func specification(of job: Job, key: String, filesKey: String? = nil) -> DataSpecification {
        var specification: DataSpecification
        switch files {
        case .shards(let globs): specification = DataSpecification(files: globs, folder: job.folder)
        case .arrays(let arrays): specification = DataSpecification(arrays: arrays, folder: job.folder)
        }
        specification.columns = columns.mapValues { column in
            switch column {
            case .name(let name): .name(name)
            case .list(let names): .columns(names)
            }
        }
        specification.section = "data.\(key)"
        specification.filesKey = filesKey ?? "data.\(key).files"
        specification.inheritsColumns = inheritsColumns
        // What they may be is checked where the job is read.
        specification.dialect = CSVDialect(
            separator: separator.asciiValue ?? UInt8(ascii: ","),
            decimal: decimal.asciiValue ?? UInt8(ascii: "."))
        specification.targetsMayBeMissing = missingTargets == .unlabelled
        specification.classes = job.data.classes.compactMapValues(\.names)
        for output in job.outputs {
            guard let names = output.classes?.names else { continue }
            for column in columnNames(of: output.name) { specification.classes[column] = names }
        }
        return specification
    }
}
