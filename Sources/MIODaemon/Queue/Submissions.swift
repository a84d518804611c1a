import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import MIORunIndex

/// The files `submission.json`: all that queues know of submitted runs.
final class Submissions: Sendable {
    private let index: RunIndex
    private let log: DaemonLog
    /// Held while a run's submission is made or changed.
    private let changing = NSLock()

    init(_ index: RunIndex, log: DaemonLog) {
        self.index = index
        self.log = log
    }

    /// Makes a run of a request. The same request again is the same run.
    /// - Returns: the run's folder, and whether it is new.
    /// - Throws: `APIError`: another request had this id.
    func create(_ request: SubmissionRequest, by: String) throws -> (path: String, isNew: Bool) {
        let path = try request.runFolder(index)
        return try changing.withLock {
            if let known = try index.run(request.id), known.path != path {
                throw APIError(
                    .conflict,
                    "id: a run with the id \(request.id) is in \(known.path.shown(most: 300)): choose another id"
                )
            }
            guard !Folder.isMissing(path) else {
                try make(request, path, by)
                return (path, true)
            }
            let facts = RunFacts(try index.folder(of: path))
            guard let there = facts.submission else {
                let names = (try? Folder.names(in: path)) ?? []
                // What a kill left between the folder and its file.
                let copy = Folder.name(of: RunFolder(path).jobCopyPath)
                guard names.allSatisfy({ $0.hasPrefix(".") || $0 == copy }) else {
                    throw APIError(
                        .conflict, "id: \(path.shown(most: 300)) is there already: choose another id")
                }
                try make(request, path, by)
                return (path, true)
            }
            guard request.isOf(there) else {
                throw APIError(
                    .conflict,
                    "id: another request had the id \(request.id) (\(there.job.shown(most: 300)), \(counted(there.ranks, "rank"))): choose another id"
                )
            }
            let place = RunFolder(path).jobCopyPath
            if !Folder.isMissing(place), let copy = try JobCopy(at: place, of: request.job), copy.isOutdated {
                throw APIError(
                    .conflict,
                    "id: \(request.job.shown(most: 300)) has changed since the id \(request.id) was submitted, whose run trains what it "
                        + "was then: choose another id")
            }
            return (path, false)
        }
    }

    /// For whatever trains a submitted run: that it writes into its folder alone, and what its job was when it was submitted.
    static func environment(ofRunIn path: String) -> [String: String] {
        var variables = [ConfinedRun.variable: "1"]
        let copy = RunFolder(path).jobCopyPath
        if !Folder.isMissing(copy) { variables[JobCopy.variable] = copy }
        return variables
    }

    private func make(_ request: SubmissionRequest, _ path: String, _ by: String) throws {
        let copy = try JobCopy(of: request.job)
        let name =
            JobSettings.name(
                ofJob: String(decoding: copy.contents, as: UTF8.self), settings: request.settings)
            ?? Folder.name(of: Folder.parent(of: request.job))
        let submission = Submission(
            id: request.id, name: name, job: request.job, ranks: request.ranks, settings: request.settings,
            partition: request.partition, timeLimit: request.timeLimit, by: by)
        try Folder.create(path)
        try copy.write(to: RunFolder(path))
        // From here on nothing forgets it.
        try FolderJSON.write(submission, to: Folder.join(path, Submission.name))
        let folder = RunFolder(path)
        var status = RunStatus(state: .waiting, attempt: 0)
        status.ranks = request.ranks
        try folder.write(status)
        try folder.events.append(
            SupervisionEvent(.request, by: by, text: "submitted: \(counted(request.ranks, "rank"))"))
    }

    /// Replaces a run's `submission.json`.
    /// - Throws: `APIError` for a run that was not submitted.
    @discardableResult
    func change(_ path: String, _ body: (inout Submission) throws -> Void) throws -> Submission {
        try changing.withLock {
            let folder = try index.folder(of: path)
            guard var submission = RunFacts(folder).submission else {
                throw APIError(.conflict, "this run was not submitted to a daemon; use `mio` on its folder")
            }
            try body(&submission)
            try FolderJSON.write(submission, to: Folder.join(path, Submission.name))
            return submission
        }
    }

    /// Changes the newest request.
    func changeRequest(_ path: String, _ body: (inout Submission.Request) -> Void) throws {
        try change(path) { submission in
            guard !submission.requests.isEmpty else { return }
            body(&submission.requests[submission.requests.count - 1])
        }
    }

    /// Writes how the newest request ended.
    func end(_ path: String, _ end: Submission.End) {
        do {
            try changeRequest(path) { $0.end = end }
        } catch {
            log.write("cannot write down how \(path) ended: \(error)")
        }
    }

    /// Asks for a run again.
    func append(_ path: String, by: String) throws {
        let generation = try HeldLease.newestGeneration(in: RunFolder(path))
        try change(path) { $0.requests.append(.init(by: by, generation: generation)) }
    }
}
