import Foundation
import MIOBase
import MIOFiles
import MIOJob
import MIOLaunch
import MIOMachine
import MIONotifications
import MIORunFolder
import MIOSupervision

/// Looks after a run: starts its ranks, watches them, and starts them again from the newest checkpoint when they died or
/// hang. Everything it knows is in the run's folder, so another one can take over at any time.
final class RunSupervisor {
    let job: Job
    /// Of the job file, which may change while the run is at work.
    private let copy: JobCopy
    private var hasToldOfChange = false
    /// What a person would say to have this run again.
    let command: [String]
    let folder: RunFolder
    let options: SupervisionOptions
    var ranks: Int
    let launcher: LaunchLine.Launcher
    let launch: (_ attempt: LaunchAttempt) throws -> LaunchLine
    /// The hosts of the run; `nil` where only this machine has ranks, or nothing is known of others.
    let hosts: RunHosts?
    /// Where the next attempt runs, if not where the user has said.
    var place: RunHosts.Placement?
    var lease: HeldLease?
    /// `nil` if nobody is to be told.
    var notifier: Notifier?
    /// No rank has begun in the folder yet: what is wrong with a job is told before anything is written.
    var isNew = false
    /// Folders that were not there before the lease, the deepest first.
    var created: [String] = []
    var history = FaultHistory()
    var budget: RestartBudget
    var limits: HangLimits
    let deadline: Double?
    /// The number of the attempt under way.
    var number = 0
    /// Of the attempt under way.
    var watch: RankWatch?
    var line: LaunchLine?
    /// The process that has started the ranks of the attempt under way.
    var launcherProcess: Int?
    /// The run has begun once: what was said about where to begin (`--resume never`) was done.
    var hasBegun = false
    /// What is to be written of attempts before the first rank has begun in the folder.
    var early: [SupervisionEvent] = []
    /// What the launcher says to a launch that starts no rank, once it was asked.
    var launcherAnswer: LauncherWords.Answer?

    init(
        _ job: Job, _ copy: JobCopy, command: [String], ranks: Int, launcher: LaunchLine.Launcher = .mpirun,
        hosts: RunHosts? = nil,
        options: SupervisionOptions,
        launch: @escaping (_ attempt: LaunchAttempt) throws -> LaunchLine
    ) {
        self.job = job
        self.copy = copy
        self.command = command
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

    /// The copy of the job file that ranks must read, if the file is not what it was when the run was asked for.
    /// - Throws: `FileError`
    func neededCopy() throws -> String? {
        // Before a rank has begun there is no folder to write into; and nothing that could become another run's.
        guard Folder.isFolder(folder.path), copy.isOutdated else { return nil }
        let path = try copy.write(to: folder)
        if !hasToldOfChange {
            hasToldOfChange = true
            Message.write(
                "warning: \(copy.job.shown(most: 300)) has changed since the run was asked for, which goes on as it began; "
                    + "to take the change, stop the run and start it again")
        }
        return path
    }

    /// Whether the run's folder is this supervisor's to write in.
    var isRecording: Bool { lease != nil && !isNew }

    /// What a run's folder cannot take, a full disk for one, keeps nobody from looking after the run.
    func note(_ event: SupervisionEvent) {
        if isNew { early.append(event) }
        guard isRecording else { return }
        notifier?.heard(event)
        try? folder.events.append(event)
    }

    /// Shows that this supervisor is there.
    /// - Returns: `false` if another one has the run.
    func beat() -> Bool {
        noteBeginning()
        notifier?.look()
        lease?.tell(
            board: watch?.board.path, sharedMemory: watch?.sharedMemory.sorted() ?? [],
            launcher: launcherProcess)
        // A file system that does not answer now is no other supervisor.
        return (try? lease?.beat(attempt: number)) ?? true
    }

    func superseded() -> RunError {
        RunError(
            "another supervisor has taken over \(folder.path); this one ends its ranks and itself",
            exitCode: .inputOutput)
    }

    func tell(_ kind: SupervisionEvent.Kind, _ text: String) {
        Message.write("mio: \(text)")
        note(SupervisionEvent(kind, attempt: number, text: text))
    }
}
