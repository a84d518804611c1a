import Foundation
import MIOBase
import MIOFiles
import MIOJob
import MIORecords
import MIORunFolder
import MIOSystem

/// The files that a job reads and those that its run has: nothing else is written over them.
package struct JobFiles {
    /// Of the run; absolute, without `.` and `..`.
    let folder: String
    private let job: Job
    /// The job file, where there is one.
    private let jobFile: String?

    /// Names in a run's folder that belong to the run.
    private static let ownNames: Set = [
        "job.yaml", "metrics.jsonl", "metrics.jsonl.damaged", "status.json", "record.json", "events.jsonl",
        "tuning.json", "lease", "control", Submission.name, BatchState.name, ".lock", "checkpoints",
        RunDirectory.weightsName, RunDirectory.kerasName,
    ]

    /// - Parameter file: the path of the job file.
    package init(_ job: Job, file: String? = nil) {
        self.job = job
        jobFile = file
        folder = Self.standard(job.runDirectory)
    }

    /// Refuses to write what an option names over one of these files.
    /// - Parameters:
    ///   - path: relative to the working directory, or absolute.
    ///   - option: `--output`
    ///   - weights: where the command's weights come from.
    ///   - replaceable: names of the run's own files that may be replaced.
    /// - Throws: `RunError` with exit code 64.
    package func verify(
        output path: String, of option: String, weights: WeightsSource? = nil, replaceable: Set<String> = []
    ) throws(RunError) {
        let standard = Self.standard(path)
        var isOfWeights = false
        if case .path(let weights)? = weights, let identity = FileIdentity(of: weights) {
            isOfWeights = FileIdentity(of: standard) == identity
        }
        let other = isOfWeights ? "is the file of --weights" : nil
        guard let reason = use(of: standard, replaceable: replaceable) ?? other else { return }
        throw RunError(
            "\(option) \(path.shown(most: 300)) \(reason), and would be replaced; name another file to write",
            exitCode: .usage)
    }

    /// Refuses a name for a trace that does not end in `.json`, and one of these files.
    /// - Throws: `RunError` with exit code 64.
    package func verify(trace path: String) throws(RunError) {
        guard path.hasSuffix(".json") else {
            throw RunError(
                "--trace \(path.shown(most: 300)): the name must end in .json, the format it is written in",
                exitCode: .usage)
        }
        try verify(output: path, of: "--trace")
    }

    /// What a file is to the job or its run: `is a file of data.train`; `nil` if it is nothing to them.
    /// - Parameters:
    ///   - path: absolute, without `.` and `..`.
    ///   - replaceable: names of the run's own files that do not count.
    func use(of path: String, replaceable: Set<String> = []) -> String? {
        own(path, replaceable) ?? read(path)
    }

    /// Whether a path is in the run's folder.
    /// - Parameters:
    ///   - path: absolute, without `.` and `..`.
    ///   - followsLinks: whether links that lead elsewhere count.
    func isInFolder(_ path: String, followsLinks: Bool) -> Bool {
        path.hasPrefix(folder + "/")
            && (!followsLinks || Self.resolved(path).hasPrefix(Self.resolved(folder) + "/"))
    }

    /// Absolute, without `.` and `..`.
    static func standard(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// Where the part of a path that is there leads, links followed, and the rest of the path as it is.
    private static func resolved(_ path: String) -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        let above = Folder.parent(of: path)
        return above == path ? path : Folder.join(resolved(above), Folder.name(of: path))
    }

    private func own(_ path: String, _ replaceable: Set<String>) -> String? {
        let places = [(path, folder), (Self.resolved(path), Self.resolved(folder))]
        if places.contains(where: { Self.isOwn($0.0, in: $0.1, replaceable) }) { return "is the run's own" }
        let above = Folder.parent(of: path)
        guard above != folder, RunFolder(above).isRun, Self.isOwn(path, in: above, replaceable) else {
            return nil
        }
        return "belongs to a run"
    }

    private static func isOwn(_ path: String, in folder: String, _ replaceable: Set<String>) -> Bool {
        guard path.hasPrefix(folder + "/") else { return false }
        let names = path.dropFirst(folder.count + 1).split(separator: "/").map(String.init)
        guard let first = names.first, names.count > 1 || !replaceable.contains(first) else { return false }
        let isLog =
            first == "logs" && names.count > 1
            && (names[1].hasPrefix("attempt-") || names[1] == "supervisor.log")
        return ownNames.contains(first) || isLog
    }

    private func read(_ path: String) -> String? {
        let identity = FileIdentity(of: path)
        if let identity, let jobFile, FileIdentity(of: jobFile) == identity { return "is the job file" }
        if path.hasSuffix(".yaml") || path.hasSuffix(".yml") { return "has the name of a job file" }
        guard let identity else { return nil }
        for (key, source) in job.data.parts {
            let files = (try? source.datasetRequest(of: job, key: key).paths()) ?? []
            if files.contains(where: { FileIdentity(of: $0) == identity }) {
                return "is a file of data.\(key)"
            }
        }
        guard let start = job.weights.first(where: { FileIdentity(of: $0.file) == identity }) else {
            return nil
        }
        return start.ofModel ? "is the file of the job's model" : "is a file that weights start from"
    }
}
