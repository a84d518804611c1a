import Dispatch
import Foundation
import MIOBase
import MIOConfig
import MIOFiles
import MIORunFolder
import MIORunIndex
import ServiceLifecycle
import Synchronization

/// Gives submitted runs to Slurm, each as a job of its own, and tells what Slurm says about them.
///
/// One thread talks to Slurm, a command at a time. While somebody looks, and no oftener than each `interval` seconds, one `squeue`
/// asks about all jobs. All that must not be lost is in the runs' folders: the name of a run's job before it is submitted, and its
/// number then.
final class SlurmQueue: RunQueue {
    let keeper: IndexKeeper
    let submissions: Submissions
    let client: SlurmClient
    private let log: DaemonLog
    let jobs: SlurmJobs
    /// Where Slurm's commands are called.
    private let line = DispatchQueue(label: "mio.slurm")
    private let bell = Bell()
    let state = Mutex(State())

    struct State {
        /// When somebody looked last, and when `squeue` was called last, by a clock that is never set.
        var looked = -1e9
        var asked = -1e9
        /// The newest answer.
        var answered: Timestamp?
        /// What the question after it failed with.
        var problem: String?
        /// There may be runs whose jobs Slurm has not taken, and when that was tried last.
        var isBehind = true
        var tried = -1e9
        /// Folders in which an answer changed something that the index does not know yet.
        var changed: Set<String> = []
    }

    /// How long an answer to a client waits for Slurm.
    private static let lookSeconds = 2.0
    private static let submitSeconds = 15.0

    init(_ keeper: IndexKeeper, _ submissions: Submissions, _ client: SlurmClient, _ log: DaemonLog) {
        self.keeper = keeper
        self.submissions = submissions
        self.client = client
        self.log = log
        jobs = SlurmJobs(keeper.index, submissions, client, log)
    }

    var settings: SlurmSettings { client.settings }
    private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

    var limits: SubmissionLimits { SubmissionLimits(partitions: settings.partitions) }

    var summary: String {
        var words = ["sbatch"]
        if let partition = settings.partitions.first { words.append("--partition=\(partition)") }
        if let time = settings.timeLimit { words.append("--time=\(time)") }
        words += settings.options + [settings.script]
        return
            "as jobs of Slurm (\(words.map(\.shellWord).joined(separator: " "))); squeue is asked at most each "
            + "\(Int(settings.interval.rounded(.up))) s"
    }

    // MARK: Questions

    func run() async throws {
        _ = try? keeper.index.scan()
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            try await onLine { self.submitWhatWaits() }
            if isWatched { await ask() }
            let isBusy = isWatched || state.withLock { $0.isBehind }
            await bell.sleep(seconds: isBusy ? settings.interval : 3600)
        }
    }

    /// Whether somebody has looked a short while ago, or looks on.
    private var isWatched: Bool {
        keeper.viewers.count > 0
            || state.withLock { Self.now - $0.looked < max(settings.interval, SlurmSettings.lookSeconds) }
    }

    func look() async {
        let wasWatched = isWatched
        state.withLock { $0.looked = Self.now }
        // From now on the service's own loop asks too.
        if !wasWatched { bell.ring() }
        await ask()
    }

    /// Asks Slurm, unless that was done a moment ago, and waits a short while for the answer.
    private func ask() async {
        let isDue = state.withLock { state in
            guard Self.now - state.asked >= settings.interval else { return false }
            state.asked = Self.now
            return true
        }
        guard isDue else { return }
        await within(Self.lookSeconds) { self.question() }
        await freshen()
    }

    /// - Returns: whether Slurm has answered. On the line.
    @discardableResult
    func question() -> Bool {
        state.withLock { $0.asked = Self.now }
        let known = jobs.open()
        guard !known.isEmpty else { return true }
        do throws(SlurmClient.Failure) {
            let changed = try jobs.ask(known)
            state.withLock {
                $0.answered = .now
                $0.problem = nil
                $0.changed.formUnion(changed)
            }
            Task { await freshen() }
            return true
        } catch {
            let isNew = state.withLock { state in
                defer { state.problem = error.description }
                return state.problem != error.description
            }
            if isNew { log.write("\(error.description); what is shown is what Slurm said last") }
            return false
        }
    }

    /// Reads what answers have changed.
    private func freshen() async {
        let changed = state.withLock { state in
            defer { state.changed = [] }
            return state.changed
        }
        for path in changed { await keeper.freshen(path, atMostOld: 0) }
    }

    var freshness: ConfigValue? {
        let (answered, problem) = state.withLock { ($0.answered, $0.problem) }
        return .dictionary([
            "answered": answered.map { .integer(Int($0.seconds)) } ?? .null,
            "problem": problem.map(ConfigValue.string) ?? .null,
            "interval": .integer(Int(settings.interval.rounded(.up))),
        ])
    }

    // MARK: Submitting

    func begin(_ path: String) async {
        await within(Self.submitSeconds) { self.submit(path) }
        await freshen()
    }

    /// What was asked for while Slurm did not answer, or when the daemon was killed. On the line.
    private func submitWhatWaits() {
        guard state.withLock({ $0.isBehind && Self.now - $0.tried >= settings.interval }) else { return }
        state.withLock {
            $0.isBehind = false
            $0.tried = Self.now
        }
        let waiting = ((try? keeper.index.activePaths()) ?? []).filter { path in
            submission(path).map { $0.batch?.job == nil } ?? false
        }
        // Of those that have a name nobody knows whether Slurm took them. One question for all.
        var isAnswered = !waiting.contains { submission($0)?.batch != nil } || question()
        for path in waiting {
            if isAnswered {
                isAnswered = submit(path, isKnown: true)
            } else {
                tryLater(path, state.withLock { $0.problem } ?? "Slurm does not answer")
            }
        }
    }

    /// Of a run that waits.
    private func submission(_ path: String) -> Submission? {
        guard let folder = try? keeper.index.folder(of: path) else { return nil }
        let facts = RunFacts(folder)
        return facts.submission.flatMap { $0.isWaiting(facts.lease) ? $0 : nil }
    }

    /// Gives a run's job to Slurm, unless that was done or tried before. On the line.
    /// - Parameter isKnown: Slurm was asked, and has no job of the name that was tried.
    /// - Returns: whether others are worth a try.
    @discardableResult
    private func submit(_ path: String, isKnown: Bool = false) -> Bool {
        guard var submission = submission(path), submission.batch?.job == nil,
            submission.batch == nil || isKnown
        else { return true }
        do {
            if submission.batch == nil {
                submission = try submissions.change(path) { submission in
                    let batch = Submission.Batch(name: SlurmJobs.makeName(submission.id))
                    submission.requests[submission.requests.count - 1].batch = batch
                }
            }
            guard let name = submission.batch?.name else { return true }
            try Folder.create(Folder.join(path, "logs"))
            switch client.submit(submission, name: name, path: path) {
            case .job(let number):
                try jobs.took(path, number)
                log.write("\(submission.id): job \(number) of Slurm")
            case .refused(let text):
                log.write("\(submission.id): \(text)")
                submissions.end(path, Submission.End(exitCode: Int(ExitCode.badInput.rawValue), text: text))
                try Folder.remove(Folder.join(path, BatchState.name))
            case .unknown(let text):
                tryLater(path, text)
                return false
            }
            state.withLock { _ = $0.changed.insert(path) }
        } catch {
            tryLater(path, "\(error)")
        }
        return true
    }

    private func tryLater(_ path: String, _ why: String) {
        log.write("\(path): \(why); trying again within \(Int(settings.interval.rounded(.up))) s")
        jobs.write(BatchState(job: nil, state: BatchState.submitting, reason: why), path)
        state.withLock {
            $0.isBehind = true
            $0.tried = Self.now
            $0.changed.insert(path)
        }
        Task { await freshen() }
        bell.ring()
    }

    // MARK: The line

    func onLine<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            line.async { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Returns when the body is done, or after so many seconds; it goes on then.
    private func within(_ seconds: Double, _ body: @escaping @Sendable () -> Void) async {
        let done = Bell()
        line.async {
            body()
            done.ring()
        }
        await done.sleep(seconds: seconds)
    }
}
