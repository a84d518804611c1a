import MIOData
import MIOJob
import MIORunFolder
import MIOTraining

/// The files of data of a job, as `record.json` has them.
package enum RunData {
    /// Opens the data of training and validation, and reads no sample.
    /// - Throws: `DataError`, `FileError`
    package static func files(of job: Job) throws -> [RunLedger.DataFile] {
        let columns = ColumnMap(graph: job.graph, outputs: job.outputs).requests
        var sources = [(name: "train", source: job.data.train)]
        if let validation = job.data.validation { sources.append((name: "validation", source: validation)) }
        return try sources.flatMap { name, source in
            let data = SelectedData(key: name, source: source)
            return RunReporter.files(
                of: try Dataset(data.datasetRequest(of: job), columns: columns), name)
        }
    }
}
