import MIOData
import MIOJob

extension DataSource {
    /// The same, as the data module takes it.
    /// - Parameters:
    ///   - job: whose data it is; its lists of classes are known.
    ///   - key: `train`, `validation` or `test`: the part of the job whose keys it has.
    ///   - filesKey: where its globs are written, if not in that part.
    package func datasetRequest(of job: Job, key: String, filesKey: String? = nil) -> DatasetRequest {
        var request: DatasetRequest
        switch files {
        case .shards(let globs): request = DatasetRequest(files: globs, folder: job.folder)
        case .arrays(let arrays): request = DatasetRequest(arrays: arrays, folder: job.folder)
        case .memory(let samples): request = DatasetRequest(memory: samples)
        }
        request.columns = columns.mapValues { column in
            switch column {
            case .name(let name): .name(name)
            case .list(let names): .columns(names)
            }
        }
        request.section = place(key: key)
        request.filesKey = filesKey ?? "data.\(key).files"
        request.inheritsColumns = inheritsColumns
        // What they may be is checked where the job is read.
        request.dialect = CSVDialect(
            separator: separator.asciiValue ?? UInt8(ascii: ","),
            decimal: decimal.asciiValue ?? UInt8(ascii: "."))
        request.targetsMayBeMissing = missingTargets == .unlabelled
        request.classes = job.data.classes.compactMapValues(\.names)
        for output in job.outputs {
            guard let names = output.classes?.names else { continue }
            for column in columnNames(of: output.name) { request.classes[column] = names }
        }
        return request
    }

    /// What messages call it as a part of a job: `data.train`, or in words, for samples that no key names.
    func place(key: String) -> String {
        guard case .memory = files else { return "data.\(key)" }
        return switch key {
        case "train": "the training samples"
        case "validation": "the validation samples"
        default: "the samples"
        }
    }
}
