import Foundation
import MIOBase
import MIOComm
import MIOConfig
import MIOFiles
import MIOJob
import MIORecords

/// The source of the lists that a job leaves open with `classes: appearance`.
package enum ClassSource {
    /// A run that starts finds them in its training data; one that goes on has the lists that it found.
    case training(ResumeMode)
    /// Those of the run that the weights are of.
    case weights(WeightsSource)

    fileprivate var isTraining: Bool {
        if case .training = self { true } else { false }
    }
}

extension Job {
    /// The job with a list for every `classes: appearance`: the numbers that the weights were or will be trained with.
    /// - Throws: `DataError` for training data without such texts; `RunError` if no run has written its lists, or if the
    ///   job numbers the texts of its own lists otherwise; `JobError` if a list does not fit its output.
    package func settlingClasses(_ source: ClassSource) throws -> Job {
        guard hasClasses else { return self }
        var folders = try runFolders(source)
        for folder in folders {
            guard let text = try? RunRecord.text(of: folder) else { continue }
            if let change = try renumberedClass(in: text) {
                throw RunError(
                    "\(change), as \(RunDirectory.jobPath(in: folder)) says; write that order"
                        + (source.isTraining ? ", or start over with --resume never" : ""),
                    exitCode: .badInput)
            }
            break
        }
        let open = openClasses
        guard !open.isEmpty else { return self }
        if case .weights(.path) = source { folders.append(runDirectory) }
        for folder in folders {
            guard let text = try? RunRecord.text(of: folder) else { continue }
            if let lists = try classes(in: text) { return try settingClasses(lists) }
        }
        switch source {
        case .training(.automatic) where folders.isEmpty, .training(.never):
            return try settingClasses(
                data.train.datasetRequest(of: self, key: "train").texts(ofColumns: open.map(\.columns)))
        default:
            throw RunError(
                "\(open[0].key): appearance: the list of texts is not in "
                    + folders.map { RunDirectory.jobPath(in: $0) }.joined(separator: " or in ")
                    + ", where the run that wrote the weights keeps it; write the list into the job",
                exitCode: .badInput)
        }
    }

    /// The folders that may be that of the run which has the weights; none for a training from the start.
    private func runFolders(_ source: ClassSource) throws -> [String] {
        switch source {
        case .training(.never): return []
        case .training(.automatic):
            let store = CheckpointStore(
                folder: RunDirectory.checkpointsPath(in: runDirectory), keep: retention)
            return try store.steps().isEmpty ? [] : [runDirectory]
        case .training(.checkpoint(let path)), .weights(.path(let path)):
            return Self.runFolders(ofWeights: path)
        case .weights: return [runDirectory]
        }
    }

    /// The folders that may be that of the run which wrote a checkpoint or a file of weights.
    private static func runFolders(ofWeights path: String) -> [String] {
        let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
        let parent = Folder.parent(of: absolute)
        return [parent, Folder.parent(of: parent)]
    }
}

extension Session {
    /// The session with a list for every `classes: appearance` of its job. All ranks call it together.
    /// - Throws: `AgreedError`, `CommunicationError`
    func settlingClasses(_ source: ClassSource) throws -> Session {
        guard job.hasClasses else { return self }
        let found = try communicator.agree(on: "the classes", .ofOneRank) {
            communicator.rank == 0 ? try job.settlingClasses(source).resolvedYAML : nil
        }
        let text = String(
            decoding: try communicator.broadcast(Array((found ?? "").utf8), root: 0), as: UTF8.self)
        var session = self
        session.job = try communicator.agree(on: "the classes") {
            guard let lists = try job.classes(in: text) else {
                throw RunError("the classes that rank 0 found cannot be read", exitCode: .internalError)
            }
            return try job.settingClasses(lists)
        }
        return session
    }
}
