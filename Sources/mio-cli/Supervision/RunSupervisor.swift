import Foundation
import MIOBase
import MIOFiles
import MIOJob
import MIOLaunch
import MIOMachine
import MIONotifications
import MIORecords
import MIORun
import MIORunFolder
import MIOSupervision
import MIOSystem
import MIOThreads

/// Looks after a run: starts its ranks, watches them, and starts them again from the newest checkpoint when they died or
/// hang. Everything it knows is in the run's folder, so another one can take over at any time.
final class RunSupervisor {
    let job: Job
    let folder: RunFolder
    let options: SupervisionOptions
    var ranks: Int
    private let launcher: LaunchLine.Launcher
    private let launch: (_ attempt: LaunchAttempt) throws -> LaunchLine
    /// The hosts of the run; `nil` where only this machine has ranks, or nothing is known of others.
    let hosts: RunHosts?
    /// Where the next attempt runs, if not where the user has said.
    var place: RunHosts.Placement?
    private(set) var lease: HeldLease?
    /// `nil` if nobody is to be told.
    var notifier: Notifier?
    /// No rank has begun in the folder yet: what is wrong with a job is told before anything is written.
    private(set) var isNew = false
    /// Folders that were not there before the lease, the deepest first.
    private var created: [String] = []
    private var history = FaultHistory()
    private var budget: RestartBudget
    private var limits: HangLimits
    private let deadline: Double?
    /// The number of the attempt under way.
    private(set) var number = 0
    /// Of the attempt under way.
    private var watch: RankWatch?
    private(set) var line: LaunchLine?
    /// The run has begun once: what was said about where to begin (`--resume never`) was done.
    private(set) var hasBegun = false
    /// What is to be written of attempts before the first rank has begun in the folder.
    private var early: [SupervisionEvent] = []
    /// What the launcher says to a launch that starts no rank, once it was asked.
    var launcherAnswer: LauncherWords.Answer?

    /// What a launch line depends on.
    struct LaunchAttempt {
        var number: Int
        /// Continue from the newest checkpoint, whatever was asked for the first attempt.
        var continues: Bool
        /// `nil`: where the user has said.
        var place: RunHosts.Placement?
        /// The names of the variables that the ranks are given, wherever they run.
        var variables: [String]
    }

    /// How one attempt went.
    struct Ending {
        var end: ChildProcess.End
        var launcher: LaunchLine.Launcher
        var requests: Int
        var lastRequest: Int32
        /// Why the supervisor has ended it itself.
        var decided: RunEnd?
        var firstDead: RankSight?
        var firstEnded: RankSight?
        var stepsDone: Int
        var hasBegun: Bool
        var seconds: Double
        var memoryKills: Int
        var isSuperseded: Bool
        /// The last words of the launcher.
        var words: String

        /// Whether the loss of a host may have ended it so: also ranks that miss another one end with an error of their own.
        var mayBeOfHost: Bool {
            if requests > 0 || firstDead != nil && decided == nil { return false }
            if decided == nil, case .exited(let status) = end, let code = MIOBase.ExitCode(rawValue: status) {
                return code == .inputOutput
            }
            return true
        }

        /// No rank began, and the launcher has no error that a rank has told.
        var startedNoRank: Bool {
            guard !hasBegun, requests == 0, decided == nil, case .exited(let status) = end else {
                return false
            }
            return status == 0 || MIOBase.ExitCode(rawValue: status) == nil
        }

        /// Nobody asked the ranks to stop, and none of them ended by itself with a message. What is wrong with a job is told
        /// before they begin; a signal tells nothing of the job.
        func mayBeTriedAgain(_ found: RunEnd) -> Bool {
            guard requests == 0 else { return false }
            if found.cause == .hostLost || decided != nil { return true }
            guard hasBegun || found.signal != nil else { return false }
            if decided == nil, case .exited(let status) = end, MIOBase.ExitCode(rawValue: status) != nil {
                return false
            }
            return true
        }
    }

    init(
        _ job: Job, ranks: Int, launcher: LaunchLine.Launcher = .mpirun, hosts: RunHosts? = nil,
        options: SupervisionOptions,
        launch: @escaping (_ attempt: LaunchAttempt) throws -> LaunchLine
    ) {
        self.job = job
        self.ranks = ranks
        self.launcher = launcher
        self.hosts = hosts
        self.options = options
        self.launch = launch
        folder = RunFolder(job.runDirectory)
        budget = RestartBudget(capacity: options.restarts)
        limits = HangLimits(fixedSeconds: options.hangSeconds)
        deadline =
            switch job.training.timeLimit {
            case .none: nil
            case .seconds(let seconds): Date().timeIntervalSince1970 + Double(seconds)
            case .automatic: BatchDeadline.of() ?? SchedulerQuestion.deadline()
            }
    }

    // MARK: The lease

    /// Takes the lease, before any rank of this supervisor is there: whoever starts the same run meanwhile is told.
    ///
    /// A folder that cannot be used has no lease to take; the ranks say what is wrong with it.
    /// - Throws: `FileError`: another supervisor has the run, or a file of the run cannot be read.
    func takeOver() throws {
        isNew = !folder.isRun
        created = folder.path.missingFolders
        let before = try? folder.lease()
        do {
            lease = try HeldLease.take(
                folder, user: ProcessInfo.processInfo.userName, isInterrupted: { ChildProcess.isRequested },
                onWait: {
                    Message.write(
                        "the run's folder is held by \($0.text); waiting \(Int(Lease.mostSilentSeconds)) s to see whether it "
                            + "is there")
                })
        } catch {
            if !isNew || isHeldByAnother { throw error }
            return
        }
        if let before {
            waitForTheEarlier(before)
            OldRanks.end(before)
        }
        if isNew { return }
        if let stale = try folder.request() { try folder.removeRequest(stale) }
        number = try folder.ledger()?.attempts.last?.number ?? 0
        note(SupervisionEvent(.supervised, attempt: number, by: ControlRequest.asker))
    }

    /// A supervisor whose job the batch system has begun anew: it finds that it has lost the run by the next of its beats, and
    /// ends its ranks.
    private func waitForTheEarlier(_ before: Lease) {
        guard before.life != .gone, before.isSuperseded(by: BatchJob.current) else { return }
        Message.write(
            "the run's folder was held by \(before.text), of this job before it was requeued; waiting up to "
                + "\(Int(Lease.mostSilentSeconds)) s for its end")
        for _ in 0..<Int(Lease.mostSilentSeconds * 10)
        where before.life != .gone && !ChildProcess.isRequested { usleep(100_000) }
    }

    private var isHeldByAnother: Bool {
        guard let other = (try? folder.lease()) ?? nil else { return false }
        return other.holder != .own && other.life != .gone
    }

    /// Writes what the folder of a new run is to say of its supervisor, once a rank has begun there.
    private func noteBeginning() {
        guard isNew, lease != nil, ((try? folder.status()) ?? nil)?.attempt == number else { return }
        isNew = false
        // Rank 0 has written it before its status, and does not again before its end.
        if var ledger = (try? folder.ledger()) ?? nil, let line,
            let place = ledger.attempts.lastIndex(where: { $0.number == number })
        {
            var attempt = RunLedger.Attempt(
                number: number, began: ledger.attempts[place].began, ranks: ranks, launch: line.arguments,
                generation: lease?.lease.generation)
            attempt.fromStep = ledger.attempts[place].fromStep
            attempt.buckets = ledger.attempts[place].buckets
            ledger.attempts[place] = attempt
            ledger.command = CommandLine.arguments
            try? folder.write(ledger)
        }
        note(SupervisionEvent(.supervised, attempt: number, by: ControlRequest.asker))
        for event in early { note(event) }
        note(SupervisionEvent(.attempt, attempt: number, text: counted(ranks, "rank")))
    }

    /// Gives the run up. Of one that was refused before it began nothing is left.
    func release() {
        endNotifying()
        guard isNew else {
            try? lease?.release()
            return
        }
        try? lease?.withdraw()
        // Not of others, who may have written there by now.
        for path in created where rmdir(path) != 0 { break }
    }

    /// Whether the run's folder is this supervisor's to write in.
    private var isRecording: Bool { lease != nil && !isNew }

    /// What a run's folder cannot take, a full disk for one, keeps nobody from looking after the run.
    func note(_ event: SupervisionEvent) {
        if isNew { early.append(event) }
        guard isRecording else { return }
        notifier?.heard(event)
        try? folder.events.append(event)
    }

    // MARK: An attempt

    /// Starts the ranks and waits for their end.
    func attempt(onRequest: @escaping (Int) -> Void) throws -> (Ending, LaunchLine) {
        number += 1
        launcherAnswer = nil
        hosts?.attemptBegins()
        let board = try? ProgressBoard(
            creating: "/dev/shm/mio-\(getuid())-\(getpid())-\(number)", ranks: ranks)
        let watch = board.map { RankWatch(board: $0, limits: limits) }
        let variables = Supervised(
            attempt: number, generation: lease?.lease.generation, board: board?.path, deadline: deadline,
            logs: folder.path
        ).variables
        let line = try launch(
            LaunchAttempt(
                number: number, continues: hasBegun, place: place, variables: variables.map(\.name)))
        self.watch = watch
        self.line = line
        defer { self.watch = nil }
        // With the lease: who takes the run over finds the ranks by it.
        lease?.tell(board: board?.path, sharedMemory: [])
        try beginAttempt(line)
        let memoryKills = OutOfMemory.kills
        let child = try ChildProcess(
            line, ranks: ranks,
            environment: variables + (isatty(1) == 1 ? [(name: "MIO_TERMINAL", value: "1")] : []))
        let looker = AttemptLook(self, child, watch)
        var requests = 0
        var lastRequest: Int32 = 0
        let end = child.wait(
            isIdle: { RunDirectory.isHeld(self.job.runDirectory) == false }, onTick: { looker.look() },
            onRequest: { count, signal in
                requests = count
                lastRequest = signal
                looker.isStopping = true
                onRequest(count)
            })
        looker.look()
        // A first attempt may end before it was time for that.
        noteBeginning()
        _ = watch?.endAll()
        watch?.removeLeftovers()
        if hosts != nil, let board { endAgents(board.path) }
        Leftovers.removeSession(of: Int(child.process))
        if let watch { limits = watch.hang.limits }
        let status = (try? folder.status()) ?? nil
        let began = watch?.hasBegun == true || status?.attempt == number
        if status?.attempt == number { hasBegun = true }
        return (
            Ending(
                end: end, launcher: launcher, requests: requests, lastRequest: lastRequest,
                decided: looker.decided,
                firstDead: watch?.firstDead, firstEnded: watch?.firstEnded,
                stepsDone: max(watch?.stepsDone ?? 0, status?.attempt == number ? status?.step ?? 0 : 0),
                hasBegun: began, seconds: looker.seconds,
                memoryKills: (OutOfMemory.kills ?? 0) - (memoryKills ?? 0), isSuperseded: looker.isSuperseded,
                words: child.lastWords),
            line
        )
    }

    private func beginAttempt(_ line: LaunchLine) throws {
        guard let lease else { return }
        guard try lease.beat(attempt: number) else { throw superseded() }
        if isNew { return }
        var ledger = try folder.ledger() ?? newLedger()
        ledger.command = CommandLine.arguments
        ledger.workingDirectory = FileManager.default.currentDirectoryPath
        ledger.attempts.append(
            RunLedger.Attempt(
                number: number, ranks: ranks, launch: line.arguments, generation: lease.lease.generation))
        try folder.write(ledger)
        note(SupervisionEvent(.attempt, attempt: number, text: counted(ranks, "rank")))
    }

    private func newLedger() -> RunLedger {
        RunLedger(
            id: UUID().uuidString.lowercased(), name: job.name, mioVersion: mioVersion,
            command: CommandLine.arguments, workingDirectory: FileManager.default.currentDirectoryPath,
            user: ProcessInfo.processInfo.userName)
    }

    /// Shows that this supervisor is there.
    /// - Returns: `false` if another one has the run.
    func beat() -> Bool {
        noteBeginning()
        notifier?.look()
        lease?.tell(board: watch?.board.path, sharedMemory: watch?.sharedMemory.sorted() ?? [])
        // A file system that does not answer now is no other supervisor.
        return (try? lease?.beat(attempt: number)) ?? true
    }

    func superseded() -> RunError {
        RunError(
            "another supervisor has taken over \(folder.path); this one ends its ranks and itself",
            exitCode: .inputOutput)
    }

    // MARK: After an attempt

    /// What comes after an attempt that failed.
    enum Next {
        case again(afterSeconds: Double)
        case noProgress(String)
        case over
    }

    /// Writes an attempt's end into the run's folder, and decides what comes next.
    func conclude(_ end: RunEnd, _ ending: Ending) -> Next {
        let steps = (try? CheckpointStore(folder: folder.checkpointsPath, keep: 1).steps()) ?? []
        let from = fromStep
        recordEnd(end, step: ending.stepsDone)
        if end.cause == .regrouped { return goOnRegrouped(end, ending) }
        guard options.restarts > 0, end.cause.mayBeTriedAgain,
            ending.mayBeTriedAgain(end) || launchMayWork(ending)
        else { return .over }
        let fault = FaultHistory.Fault(
            end: end, step: ending.stepsDone, from: from, newest: steps.first)
        budget.healthy(seconds: ending.seconds, hasProgressed: fault.hasProgressed)
        if options.reportOnly {
            tell(.wouldDo, "would start the run again from \(continuation(steps))")
            return .over
        }
        switch history.decide(fault, hasOlder: steps.count > 1) {
        case .noProgress(let text):
            SetAside.restore(in: folder)
            return .noProgress(text)
        case .setAside(let step):
            if let path = SetAside.move(step, in: folder) {
                tell(
                    .setAside,
                    "the checkpoint of step \(step) carried the run nowhere twice; it is at \(path) now")
            }
        case .tryAgain: if fault.hasProgressed { SetAside.forget(in: folder) }
        }
        // A wrong name is more likely than a host that comes back.
        if isNew, let hosts, !hosts.havePlace { return .over }
        guard let seconds = budget.restart() else {
            tell(.warning, "no restart is left of --restarts \(options.restarts)")
            return .over
        }
        let left = (try? CheckpointStore(folder: folder.checkpointsPath, keep: 1).steps()) ?? []
        note(SupervisionEvent(.restart, attempt: number, text: end.text, seconds: seconds))
        Message.write("mio: \(end.text); starting again from \(continuation(left))")
        if end.cause == .hostLost { try? lease?.renew() }
        hosts?.failed(end, step: ending.stepsDone)
        _ = placeNext()
        writeStatus(.restarting, end, step: ending.stepsDone)
        return .again(afterSeconds: seconds)
    }

    private func continuation(_ steps: [Int]) -> String {
        steps.first.map { "the checkpoint of step \($0)" } ?? "the beginning"
    }

    func tell(_ kind: SupervisionEvent.Kind, _ text: String) {
        Message.write("mio: \(text)")
        note(SupervisionEvent(kind, attempt: number, text: text))
    }

    private var fromStep: Int? {
        let attempt = (try? folder.ledger())??.attempts.last { $0.number == number }
        return attempt?.fromStep.flatMap { $0 > 0 ? $0 : nil }
    }

    private func recordEnd(_ end: RunEnd, step: Int) {
        if isRecording, var ledger = (try? folder.ledger()) ?? nil,
            let place = ledger.attempts.lastIndex(where: { $0.number == number })
        {
            ledger.attempts[place].ended = .now
            ledger.attempts[place].toStep = step
            ledger.attempts[place].end = end
            try? folder.write(ledger)
        }
        note(SupervisionEvent(.end, attempt: number, step: step, end: end))
    }

    /// The state after an attempt, where no rank could write it.
    func writeStatus(_ state: RunStatus.State, _ end: RunEnd, step: Int) {
        guard isRecording else { return }
        var status =
            ((try? folder.status()) ?? nil) ?? RunStatus(state: state, attempt: number, step: step)
        status.state = state
        status.attempt = number
        status.step = step
        status.end = end
        status.heartbeat = .now
        status.writer = .own
        try? folder.write(status)
    }

    /// Waits before the next attempt.
    /// - Returns: why it is not to begin.
    func pause(_ seconds: Double) -> EndCause? {
        var left = seconds
        while true {
            if ChildProcess.request(within: min(left, 0.5)) != nil { return .stoppedByUser }
            if let request = (try? folder.request()) ?? nil, request.request == .stop {
                try? folder.removeRequest(request)
                // This supervisor's own, of an attempt that ended otherwise.
                if request.cause != .regrouped { return request.cause }
            }
            if !beat() { return .superseded }
            left -= 0.5
            guard left <= 0 else { continue }
            if let hosts, !hosts.canBePlaced(-left) { continue }
            _ = placeNext()
            return nil
        }
    }
}

extension String {
    /// This folder and those above it, as far as they are not there; the deepest first.
    fileprivate var missingFolders: [String] {
        var missing: [String] = []
        var path = self
        while !Folder.exists(path), Folder.parent(of: path) != path {
            missing.append(path)
            path = Folder.parent(of: path)
        }
        return missing
    }
}
