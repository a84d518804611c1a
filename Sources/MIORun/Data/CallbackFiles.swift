import Foundation
import MIOBase
import MIOCallbacks
import MIOFiles
import MIOJob
import MIORecords

/// Refuses callbacks that would write over a file that the run has or reads.
package enum CallbackFiles {
    /// Names in a run's folder that callbacks leave alone.
    private static let ownNames: Set = [
        "job.yaml", "metrics.jsonl", "metrics.jsonl.damaged", "status.json", "record.json", "events.jsonl",
        "tuning.json", "lease", "control", "submission.json", ".lock", "checkpoints",
        RunDirectory.weightsName, RunDirectory.kerasName,
    ]

    /// - Throws: `RunError` with exit code 65, with the same words in a check and a training.
    package static func verify(_ job: Job) throws(RunError) {
        let folder = standard(job.runDirectory)
        var written: [String: String] = [:]
        for (index, callback) in job.callbacks.enumerated() {
            let key: String
            let text: String
            switch callback {
            case let logger as CSVLogger: (key, text) = ("callbacks[\(index)].filename", logger.filename)
            case let models as ModelCheckpoint:
                (key, text) = ("callbacks[\(index)].filepath", models.path.text)
            default: continue
            }
            let path = standard(text.hasPrefix("/") ? text : Folder.join(folder, text))
            if let reason = own(path, in: folder) ?? read(path, by: job) ?? written[path] {
                throw RunError(
                    "\(key): \(path.shown(most: 300)) \(reason), and would be replaced; name another file to write",
                    exitCode: .badInput)
            }
            written[path] = "is the file of \(key)"
        }
    }

    /// Without `.` and `..`.
    private static func standard(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }

    private static func own(_ path: String, in folder: String) -> String? {
        guard path.hasPrefix(folder + "/") else { return nil }
        let names = path.dropFirst(folder.count + 1).split(separator: "/").map(String.init)
        let isLog =
            names.first == "logs" && names.count > 1
            && (names[1].hasPrefix("attempt-") || names[1] == "supervisor.log")
        return names.first.map(ownNames.contains) == true || isLog ? "is the run's own" : nil
    }

    private static func read(_ path: String, by job: Job) -> String? {
        if path.hasSuffix(".yaml") || path.hasSuffix(".yml") { return "has the name of a job file" }
        guard let identity = FileIdentity(of: path) else { return nil }
        for (key, source) in job.data.parts {
            let files = (try? source.datasetRequest(of: job, key: key).paths()) ?? []
            if files.contains(where: { FileIdentity(of: $0) == identity }) {
                return "is a file of data.\(key)"
            }
        }
        return job.weights.contains { FileIdentity(of: $0.file) == identity }
            ? "is a file that weights start from" : nil
    }
}
