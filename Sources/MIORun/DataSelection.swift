import Foundation
import MIOFiles
import MIOJob
import MIOTensor

/// Which samples to evaluate or predict.
public enum DataSelection: Hashable, Sendable {
    /// `data.test` of the job, else `data.validation`.
    case automatic
    /// `train`, `validation` or `test` of the job's `data`.
    case part(String)
    /// Shards of their own, by a glob relative to the working directory; arrays bear the names that
    /// `data.train` gives them.
    case files(String)

    /// The parts that a job may have.
    public static let parts = ["train", "validation", "test"]

    /// `train`, `validation`, `test`, or a glob.
    public init(_ text: String) { self = Self.parts.contains(text) ? .part(text) : .files(text) }

    /// - Returns: what the data is called in messages, and where it is.
    /// - Throws: `RunError` if the job has no such data.
    func source(in job: Job) throws(RunError) -> (key: String, source: DataSource) {
        let present = job.data.parts
        switch self {
        case .automatic:
            for key in ["test", "validation"] {
                if let part = present.first(where: { $0.key == key }) { return (key, part.source) }
            }
            throw RunError(
                "the job has neither data.test nor data.validation; add one, or choose with --data: train, or "
                    + "a glob of shards", exitCode: .usage)
        case .part(let key):
            if let part = present.first(where: { $0.key == key }) { return (key, part.source) }
            throw RunError(
                "the job has no data.\(key); it has "
                    + present.map { "data.\($0.key)" }.joined(separator: ", "), exitCode: .usage)
        case .files(let glob):
            let absolute = Glob.absolute(glob, in: FileManager.default.currentDirectoryPath)
            return (glob, DataSource(files: .shards([absolute]), columns: job.data.train.columns))
        }
    }
}
