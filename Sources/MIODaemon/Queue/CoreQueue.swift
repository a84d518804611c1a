import Foundation
import MIOBase
import MIOConfig
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
final class CoreQueue: RunQueue {
    private let keeper: IndexKeeper
    private let log: DaemonLog
    /// Of `mio`.
    private let program: String
    private let cores: Int
    private let submissions: Submissions
    private let state = Mutex(State())
    private let bell = Bell()

    private struct State {
        /// Supervisors that this process has started and that have not ended, by folder.
        var started: [String: Int32] = [:]
    }

    /// How often the queue looks while something waits.
    static let waitingSeconds = 3.0
    /// How often it looks after supervisors that another daemon has started, and after runs that could not be started again.
    static let adoptedSeconds = 5.0
    /// How often it looks otherwise: the index learns of some runs late that their supervisors are gone.
    static let idleSeconds = 60.0
    /// How often it starts a run again by itself at the same checkpoint.
    static let mostRevivals = 3

    init(
        _ keeper: IndexKeeper, _ submissions: Submissions, program: String, cores: Int, log: DaemonLog
    ) {
        self.keeper = keeper
        self.submissions = submissions
        self.program = program
        self.cores = cores
        self.log = log
    }

    var limits: SubmissionLimits { SubmissionLimits(cores: cores) }
    var summary: String { "first in, first out, by \(counted(cores, "core")) of this machine" }
    var freshness: ConfigValue? { nil }

    func run() async throws {
        // The index has to be there first.
        _ = try? keeper.index.scan()
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let waits = startWhatFits()
            let adopts = (try? adopted.isEmpty) != true
            await bell.sleep(
                seconds: waits ? Self.waitingSeconds : adopts ? Self.adoptedSeconds : Self.idleSeconds)
        }
    }

    /// Runs at work, or that should be, whose supervisors are no children of this process: nobody else tells it of them.
    private var adopted: Set<String> {
        get throws {
            let lost = try keeper.index.lostPaths().filter { path in
                guard let folder = try? keeper.index.folder(of: path) else { return false }
                return RunFacts(folder).isLost
            }
            return Set(try keeper.index.activePaths() + lost)
                .subtracting(state.withLock { $0.started.keys })
        }
    }

    // MARK: Supervisors that are gone

    /// Asks for runs again whose supervisors were killed. They keep their places in the queue.
    private func reviveWhatIsLost() throws {
        for path in Set(try keeper.index.activePaths() + keeper.index.lostPaths())
        where state.withLock({ $0.started[path] }) == nil {
            guard let folder = try? keeper.index.folder(of: path), case let facts = RunFacts(folder),
                facts.isLost,
                facts.submission?.batch == nil, !wasAskedToStop(RunFolder(path))
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
        let submission = try submissions.change(path) { submission in
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
            event.event == .attempt || event.event == .request && event.text == RunAction.stop.rawValue
        }
        return newest?.event == .request
    }

    // MARK: What fits

    private struct Entry {
        let path: String
        let submission: Submission
    }

    /// The runs that wait, the first one first, and the cores that are taken.
    private func taken() throws -> (waiting: [Entry], taken: Int) {
        var waiting: [Entry] = []
        var taken = 0
        let started = state.withLock { $0.started }
        for path in Set(try keeper.index.activePaths() + keeper.index.lostPaths() + started.keys) {
            guard let folder = try? keeper.index.folder(of: path) else { continue }
            let facts = RunFacts(folder)
            if facts.isSupervised || started[path] != nil {
                taken += facts.ranks ?? facts.submission?.ranks ?? 1
            } else if let submission = facts.submission, submission.isWaiting(facts.lease),
                // A job of Slurm, which another daemon has submitted.
                submission.batch == nil
            {
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
            var (waiting, taken) = try taken()
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
        // As it is in this moment: `mio stop` may have taken the run out.
        let submission = (try? RunFolder(entry.path).submission()) ?? entry.submission
        guard submission.requests.last?.end == nil else { return }
        var arguments = [program, "train", "-n", String(submission.ranks), submission.job]
        arguments += ["--set", "run_directory=\(entry.path)"]
        for setting in submission.settings { arguments += ["--set", setting] }
        do {
            let logs = Folder.join(entry.path, "logs")
            try Folder.create(logs)
            let child = try DetachedProgram(
                arguments, environment: Submissions.environment(ofRunIn: entry.path),
                in: Folder.parent(of: submission.job), log: Folder.join(logs, "supervisor.log"))
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
            submissions.end(entry.path, Submission.End(exitCode: 74, text: "\(error)"))
        }
    }

    private static let mostWords = 2_000

    /// Signals by which a person ends a program, which may have been meant.
    private static let statusesOfRequests = [SIGTERM, SIGINT, SIGHUP].map { 128 + Int($0) }

    /// A supervisor that ended and never had the lease has failed before anything began: a bad job, a missing program. One
    /// that was killed has not.
    private func ended(_ entry: Entry, _ status: Int) {
        log.write("\(entry.submission.id): its supervisor ended with \(status)")
        guard let folder = try? keeper.index.folder(of: entry.path),
            RunFacts(folder).submission?.isWaiting(RunFacts(folder).lease) == true
        else { return }
        if status > 128, !Self.statusesOfRequests.contains(status), (try? revive(entry.path)) != nil {
            return
        }
        let words = (try? folder.tail("logs/supervisor.log", atMost: Self.mostWords))?.bytes ?? []
        let text = String(decoding: words, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        submissions.end(
            entry.path,
            Submission.End(
                exitCode: status,
                text: text.isEmpty ? "it wrote nothing" : text.shownMessage(keepsNewlines: true)))
    }

    // MARK: Requests

    func begin(_ path: String) { bell.ring() }

    func look() {}

    func act(_ action: RunAction, on run: IndexedRun, by: String) throws {
        let folder = RunFolder(run.path)
        let facts = RunFacts(try keeper.index.folder(of: run.path))
        let isWaiting = facts.submission?.isWaiting(facts.lease) == true && !facts.isSupervised
        let isStarting = state.withLock { $0.started[run.path] != nil }
        if isWaiting, let job = facts.submission?.batch?.job {
            throw APIError(
                .conflict,
                "the run is job \(job) of Slurm: use scancel, or start the daemon with --scheduler slurm")
        }
        switch action {
        case .stop where isWaiting && !isStarting:
            try submissions.changeRequest(run.path) { request in
                request.end = Submission.End(
                    exitCode: Int(ExitCode.stopped.rawValue), text: "Taken out of the queue by \(by).")
            }
        case .stop, .checkpoint:
            try action.leave(in: folder, facts, isStarting: isStarting, by: by)
        case .retry:
            guard !facts.isSupervised, !isStarting, !isWaiting else {
                throw RunAction.refusalOfRetry(facts)
            }
            try RunAction.verifyUnfinished(facts)
            try submissions.append(run.path, by: by)
        }
        try folder.events.append(SupervisionEvent(.request, by: by, text: action.rawValue))
    }

    func contents() async throws -> ConfigDictionary {
        let (waiting, taken) = try taken()
        return [
            "scheduler": "none", "cores": .integer(cores), "taken": .integer(taken),
            "waiting": .list(
                waiting.map { entry in
                    .dictionary([
                        "key": .string(entry.submission.id), "path": .string(entry.path),
                        "ranks": .integer(entry.submission.ranks),
                    ])
                }),
        ]
    }
}
