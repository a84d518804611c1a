import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import MIORunIndex
import ServiceLifecycle
import Synchronization

/// Starts submitted runs, first in, first out, as many as there are cores for.
///
/// The queue is in the runs' folders: `submission.json` says what is asked for, and the lease who supervises. A daemon that starts finds
/// both as they are, so runs that were started before go on, and those that waited wait. Should a daemon be killed after it started a
/// supervisor and before that has the lease, the next one starts another, and one of the two gets the lease. A supervisor that is
/// gone without having given its run up, killed or with its machine, is replaced.
package final class RunQueue: Service, Sendable {
    private let keeper: IndexKeeper
    private let log: DaemonLog
    /// Of `mio`.
    private let program: String
    let cores: Int
    private let state = Mutex(State())
    /// Held while a run's submission is changed.
    private let changing = NSLock()
    private let bell = Bell()

    private struct State {
        /// Supervisors that this process has started and that have not ended, by folder.
        var started: [String: Int32] = [:]
    }

    /// How often the queue looks while something waits.
    static let waitingSeconds = 3.0
    /// How often it looks after supervisors that another daemon has started.
    static let adoptedSeconds = 5.0
    /// How often it starts a run again by itself at the same checkpoint.
    static let mostRevivals = 3

    package init(_ keeper: IndexKeeper, program: String, cores: Int, log: DaemonLog) {
        self.keeper = keeper
        self.program = program
        self.cores = cores
        self.log = log
    }

    package func run() async throws {
        // The index has to be there first.
        _ = try? keeper.index.scan()
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let waits = startWhatFits()
            let adopts = (try? adopted.isEmpty) == false
            await bell.sleep(seconds: waits ? Self.waitingSeconds : adopts ? Self.adoptedSeconds : 3600)
        }
    }

    /// Runs at work whose supervisors are no children of this process, which nobody else tells it of.
    private var adopted: Set<String> {
        get throws { Set(try keeper.index.activePaths()).subtracting(state.withLock { $0.started.keys }) }
    }

    // MARK: Supervisors that are gone

    /// Asks for runs again whose supervisors were killed. They keep their places in the queue.
    private func reviveWhatIsLost() throws {
        for path in Set(try keeper.index.activePaths() + keeper.index.lostPaths())
        where state.withLock({ $0.started[path] }) == nil {
            guard let folder = try? keeper.index.folder(of: path), RunFacts(folder).isLost,
                !wasAskedToStop(RunFolder(path))
            else { continue }
            do {
                try revive(path)
            } catch {
                log.write("cannot start \(path) again: \(error)")
            }
        }
    }

    private func revive(_ path: String) throws {
        let folder = RunFolder(path)
        let step = try folder.status()?.checkpoint ?? 0
        let generation = try HeldLease.newestGeneration(in: folder)
        let submission = try change(path) { submission in
            var request = Submission.Request(
                by: "the daemon", time: submission.requests.last?.time ?? submission.time,
                generation: generation, revivedAt: step)
            if submission.revivals(at: step) >= Self.mostRevivals {
                request.end = Submission.End(
                    exitCode: Int(ExitCode.noProgress.rawValue),
                    text:
                        "its supervisor was ended \(Self.mostRevivals + 1) times without a newer checkpoint: "
                        + "see logs/supervisor.log, then retry")
            }
            submission.requests.append(request)
        }
        let text = submission.requests.last?.end?.text ?? "its supervisor is gone: another one is started"
        log.write("\(submission.id): \(text)")
        try folder.events.append(SupervisionEvent(.request, by: "the daemon", text: text))
    }

    /// Whether a person asked for the stop that a supervisor could not write down any more.
    private func wasAskedToStop(_ folder: RunFolder) -> Bool {
        if let request = (try? folder.request()) ?? nil, request.request == .stop { return true }
        let newest = (try? folder.events.read().events)?.last { event in
            event.event == .attempt || event.event == .request && event.text == Action.stop.rawValue
        }
        return newest?.event == .request
    }

    // MARK: What fits

    struct Entry: Hashable, Sendable {
        let path: String
        let submission: Submission
    }

    /// The runs that wait, the first one first, and the cores that are taken.
    func look() throws -> (waiting: [Entry], taken: Int) {
        var waiting: [Entry] = []
        var taken = 0
        let started = state.withLock { $0.started }
        for path in Set(try keeper.index.activePaths() + keeper.index.lostPaths() + started.keys) {
            guard let folder = try? keeper.index.folder(of: path) else { continue }
            let facts = RunFacts(folder)
            if facts.isSupervised || started[path] != nil {
                taken += facts.ranks ?? facts.submission?.ranks ?? 1
            } else if let submission = facts.submission, submission.isWaiting(facts.lease) {
                waiting.append(Entry(path: path, submission: submission))
            }
        }
        waiting.sort {
            ($0.submission.requests.last?.time ?? $0.submission.time, $0.path)
                < ($1.submission.requests.last?.time ?? $1.submission.time, $1.path)
        }
        return (waiting, taken)
    }

    /// - Returns: whether something waits still.
    private func startWhatFits() -> Bool {
        do {
            try reviveWhatIsLost()
            var (waiting, taken) = try look()
            // No run overtakes: a large one would wait for ever.
            while let next = waiting.first, taken + next.submission.ranks <= cores {
                waiting.removeFirst()
                taken += next.submission.ranks
                start(next)
            }
            return !waiting.isEmpty
        } catch {
            log.write("the queue: \(error)")
            return true
        }
    }

    private func start(_ entry: Entry) {
        let submission = entry.submission
        var arguments = [program, "train", "-n", String(submission.ranks), submission.job]
        arguments += ["--set", "run_directory=\(entry.path)"]
        for setting in submission.settings { arguments += ["--set", setting] }
        do {
            let logs = Folder.join(entry.path, "logs")
            try Folder.create(logs)
            let child = try DetachedProgram(
                arguments, in: Folder.parent(of: submission.job), log: Folder.join(logs, "supervisor.log"))
            state.withLock { $0.started[entry.path] = child.process }
            log.write("started \(submission.id): process \(child.process)")
            child.whenItEnds { [self] status in
                ended(entry, status)
                state.withLock { $0.started[entry.path] = nil }
                Task {
                    await keeper.freshen(entry.path, atMostOld: 0)
                    bell.ring()
                }
            }
        } catch {
            log.write("cannot start \(submission.id): \(error)")
            end(entry.path, Submission.End(exitCode: 74, text: "\(error)"))
        }
    }

    private static let mostWords = 2_000

    /// A supervisor that ended and never had the lease has failed before anything began: a bad job, a missing program.
    private func ended(_ entry: Entry, _ status: Int) {
        log.write("\(entry.submission.id): its supervisor ended with \(status)")
        guard let folder = try? keeper.index.folder(of: entry.path),
            RunFacts(folder).submission?.isWaiting(RunFacts(folder).lease) == true
        else { return }
        let words = (try? folder.tail("logs/supervisor.log", atMost: Self.mostWords))?.bytes ?? []
        let text = String(decoding: words, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        end(
            entry.path,
            Submission.End(
                exitCode: status,
                text: text.isEmpty ? "it wrote nothing" : text.shownMessage(keepsNewlines: true)))
    }

    private func end(_ path: String, _ end: Submission.End) {
        do {
            try change(path) { submission in
                guard !submission.requests.isEmpty else { return }
                submission.requests[submission.requests.count - 1].end = end
            }
        } catch {
            log.write("cannot write down how \(path) ended: \(error)")
        }
    }

    /// Replaces a run's `submission.json`.
    @discardableResult
    private func change(_ path: String, _ body: (inout Submission) throws -> Void) throws -> Submission {
        try changing.withLock {
            let folder = try keeper.index.folder(of: path)
            guard var submission = RunFacts(folder).submission else {
                throw APIError(.conflict, "this run was not submitted to a daemon; use `mio` on its folder")
            }
            try body(&submission)
            try FolderJSON.write(submission, to: Folder.join(path, Submission.name))
            return submission
        }
    }

    // MARK: Requests

    /// Makes a run of a request. The same request again is the same run, and starts nothing anew.
    /// - Returns: the run's folder, and whether it is new.
    /// - Throws: `APIError`: another request had this id.
    func submit(_ request: SubmissionRequest, by: String) throws -> (path: String, isNew: Bool) {
        let path = try request.runFolder(keeper.index)
        return try changing.withLock {
            if let known = try keeper.index.run(request.id), known.path != path {
                throw APIError(
                    .conflict,
                    "id: a run with the id \(request.id) is in \(known.path.shown(most: 300)): choose another id"
                )
            }
            if Folder.exists(path) {
                let facts = RunFacts(try keeper.index.folder(of: path))
                guard let there = facts.submission else {
                    let names = (try? Folder.names(in: path)) ?? []
                    // What a kill left between the folder and its file.
                    guard names.allSatisfy({ $0.hasPrefix(".") }) else {
                        throw APIError(
                            .conflict, "id: \(path.shown(most: 300)) is there already: choose another id")
                    }
                    return try create(request, path, by)
                }
                guard there.job == request.job, there.ranks == request.ranks,
                    there.settings == request.settings
                else {
                    throw APIError(
                        .conflict,
                        "id: another request had the id \(request.id) (\(there.job.shown(most: 300)), \(counted(there.ranks, "rank"))): choose another id"
                    )
                }
                return (path, false)
            }
            return try create(request, path, by)
        }
    }

    private func create(_ request: SubmissionRequest, _ path: String, _ by: String) throws -> (String, Bool) {
        try Folder.create(path)
        let name = Folder.name(of: Folder.parent(of: request.job))
        let submission = Submission(
            id: request.id, name: name, job: request.job, ranks: request.ranks, settings: request.settings,
            by: by)
        // From here on nothing forgets it.
        try FolderJSON.write(submission, to: Folder.join(path, Submission.name))
        let folder = RunFolder(path)
        var status = RunStatus(state: .waiting, attempt: 0)
        status.ranks = request.ranks
        try folder.write(status)
        try folder.events.append(
            SupervisionEvent(.request, by: by, text: "submitted: \(counted(request.ranks, "rank"))"))
        return (path, true)
    }

    /// Looks at the queue soon.
    func wake() { bell.ring() }

    enum Action: String { case stop, checkpoint, retry }

    /// - Throws: `APIError` if the run's state does not allow it.
    func act(_ action: Action, on run: IndexedRun, by: String) throws {
        let folder = RunFolder(run.path)
        let facts = RunFacts(try keeper.index.folder(of: run.path))
        let isWaiting = facts.submission?.isWaiting(facts.lease) == true && !facts.isSupervised
        let isStarting = state.withLock { $0.started[run.path] != nil }
        switch action {
        case .stop where isWaiting && !isStarting:
            try change(run.path) { submission in
                submission.requests[submission.requests.count - 1].end = Submission.End(
                    exitCode: Int(ExitCode.stopped.rawValue), text: "Taken out of the queue by \(by).")
            }
        case .stop, .checkpoint:
            guard
                facts.isSupervised || isStarting
                    || RunStatus.State(rawValue: facts.state).map({
                        !$0.isEnd && $0 != .unknown && $0 != .waiting
                    }) == true
            else {
                throw APIError(.conflict, "the run is \(facts.state): there is nothing to ask")
            }
            try folder.request(ControlRequest(action == .stop ? .stop : .checkpoint, by: by))
        case .retry:
            guard !facts.isSupervised, !isStarting, !isWaiting else {
                throw APIError(.conflict, "the run is \(facts.state): it goes on by itself")
            }
            guard facts.state != RunStatus.State.finished.rawValue else {
                throw APIError(.conflict, "the run is finished: submit its job again for another")
            }
            let generation = try HeldLease.newestGeneration(in: folder)
            try change(run.path) { $0.requests.append(.init(by: by, generation: generation)) }
        }
        try folder.events.append(SupervisionEvent(.request, by: by, text: action.rawValue))
    }
}
