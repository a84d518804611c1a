import MIOJob

/// The smallest job, for tests of keys that have nothing to do with its model.
enum OneDense {
    /// - Parameter training: what stands between the braces of `training`.
    /// - Throws: `JobError`
    static func job(training: String) throws(JobError) -> Job { try job("training: {\(training)}") }

    /// - Parameter keys: further lines of the job.
    /// - Throws: `JobError`
    static func job(_ keys: String, folder: String = "/example") throws(JobError) -> Job {
        try Job(
            yaml: """
                model:
                  inputs: {x: {shape: [1]}}
                  layers: [{name: y, class: Dense, inputs: x, units: 1}]
                  outputs: [y]
                outputs: {y: {loss: mean_squared_error}}
                data: {train: {files: "train-*.npz"}}
                \(keys)
                """, folder: folder)
    }
}
