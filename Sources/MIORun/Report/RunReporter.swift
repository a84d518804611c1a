import Foundation
import MIOBase
import MIOComm
import MIOData
import MIOFiles
import MIOJob
import MIOMachine
import MIORecords
import MIORunFolder
import MIOSystem
import MIOThreads
import Synchronization

/// Rank 0's side of the run's folder: writes `status.json` and its part of `record.json`, obeys `control`, sees that nobody
/// else has taken the run, and keeps the deadline. On a thread of its own: a step stores some numbers and waits for nothing.
///
/// Sendable, unchecked: `status`, `deadline`, `pace` and what the thread remembers are touched only with the monitor held.
final class RunReporter: @unchecked Sendable {
    private let folder: RunFolder
    private let supervised: Supervised?
    private let attempt: Int
    private let monitor = Monitor()
    private var status: RunStatus
    private var deadline: RunDeadline?
    private var pace: CheckpointPace?
    private let began = MonotonicClock.seconds
    private var request: ControlRequest?
    private var isClosed = false
    private var writtenAt = 0.0
    private var thread: JoinableThread?

    // The thread that steps stores these.
    private let step: Atomic<Int>
    private let epoch: Atomic<Int>
    private let wantsCheckpoint = Atomic(false)
    /// By time, until its snapshot is taken.
    private let isCheckpointDue = Atomic(false)
    /// When the last snapshot was taken, by the monotonic clock, and what the step lost by it: bits of doubles.
    private let snapshotAt: Atomic<UInt64>
    private let snapshotSeconds = Atomic<UInt64>(0)
    /// Of the newest checkpoint on the disk; −1 if there is none.
    private let checkpoint = Atomic(-1)

    private static let secondsOfLook = 0.5
    private static let secondsOfStatus = 2.0

    /// What the reporter is told of a run at its start.
    struct Facts {
        var ranks: Int
        var stepsPerEpoch: Int
        var step: Int
        var epoch: Int
        var data: [RunLedger.DataFile]
        var hosts: [RunLedger.Host]
        var buckets: [RunLedger.Bucket]
    }

    /// Writes the attempt's beginning, and starts the thread.
    /// - Throws: `FileError`: the folder cannot be written, or another supervisor has it; `RunError`.
    init(_ job: Job, _ facts: Facts, supervised: Supervised? = Supervised()) throws {
        folder = RunFolder(job.runDirectory)
        self.supervised = supervised
        step = Atomic(facts.step)
        epoch = Atomic(facts.epoch)
        var ledger =
            try folder.ledger()
            ?? RunLedger(
                id: UUID().uuidString.lowercased(), name: job.name, mioVersion: mioVersion,
                command: CommandLine.arguments,
                workingDirectory: FileManager.default.currentDirectoryPath,
                user: ProcessInfo.processInfo.userName)
        ledger.name = job.name
        ledger.mioVersion = mioVersion
        ledger.jobChecksum = String(CRC32.of(Array(job.resolvedYAML.utf8)), radix: 16)
        ledger.data = facts.data
        ledger.hosts = facts.hosts
        snapshotAt = Atomic(began.bitPattern)
        let attempt = supervised?.attempt ?? (ledger.attempts.last?.number ?? 0) + 1
        self.attempt = attempt
        let before = (try? folder.status()) ?? nil
        if before?.attempt != attempt { ledger.noteEnd(before) }
        pace = CheckpointPace(job.checkpoints.every, FailureHistory(ledger, before: attempt))
        if let place = ledger.attempts.lastIndex(where: { $0.number == attempt }) {
            ledger.attempts[place].fromStep = facts.step
            ledger.attempts[place].ranks = facts.ranks
            ledger.attempts[place].buckets = facts.buckets
        } else {
            var begun = RunLedger.Attempt(number: attempt, ranks: facts.ranks, launch: CommandLine.arguments)
            begun.fromStep = facts.step
            begun.buckets = facts.buckets
            ledger.attempts.append(begun)
        }
        status = RunStatus(
            state: .starting, attempt: attempt, step: facts.step, epoch: facts.epoch,
            epochs: job.training.epochs, ranks: facts.ranks)
        status.stepsPerEpoch = facts.stepsPerEpoch
        deadline = RunDeadline(job.training.timeLimit, supervised: supervised)
        try verifyHeld()
        // A request to a run that was over when it came.
        if supervised == nil, let stale = try? folder.request() { try folder.removeRequest(stale) }
        try folder.write(ledger)
        try folder.write(status)
        if supervised == nil {
            try folder.events.append(
                SupervisionEvent(
                    .attempt, attempt: attempt, step: facts.step, text: counted(facts.ranks, "rank")))
        }
        thread = try JoinableThread(named: "mio reports") { [self] in run() }
    }

    /// - Throws: `FileError` if another supervisor has the run.
    private func verifyHeld() throws(FileError) {
        guard let lease = try folder.lease() else { return }
        let isOwn =
            if let generation = supervised?.generation {
                try HeldLease.isCurrent(generation, in: folder)
            } else { supervised != nil || lease.life != .live }
        guard isOwn else {
            throw FileError(
                action: "use the run directory", path: folder.path,
                reason: "another run holds it: \(lease.text); wait for it to end, stop it, or set another "
                    + "run_directory")
        }
    }

    // MARK: The step's side

    func ended(step: Int, epoch: Int) {
        self.step.store(step, ordering: .relaxed)
        self.epoch.store(epoch, ordering: .relaxed)
    }

    /// Whether somebody asks for a checkpoint; once for each request.
    func takeCheckpointRequest() -> Bool {
        isCheckpointDue.load(ordering: .relaxed)
            || wantsCheckpoint.load(ordering: .relaxed)
                && wantsCheckpoint.exchange(false, ordering: .relaxed)
    }

    /// The snapshot of a checkpoint is taken, which kept the step waiting for so long.
    func tookSnapshot(seconds: Double) {
        snapshotSeconds.store(seconds.bitPattern, ordering: .relaxed)
        snapshotAt.store(MonotonicClock.seconds.bitPattern, ordering: .relaxed)
        isCheckpointDue.store(false, ordering: .releasing)
    }

    /// A checkpoint is on the disk.
    func wrote(checkpoint step: Int, seconds: Double) {
        checkpoint.store(step, ordering: .relaxed)
        monitor.withLock {
            let before = deadline?.checkpointSeconds ?? 0
            deadline?.checkpointSeconds = max(seconds, before)
            pace?.add(cost: seconds + Double(bitPattern: snapshotSeconds.load(ordering: .relaxed)))
            if let request, request.request == .checkpoint { obeyed(request) }
        }
    }

    /// Something that does not happen in most runs: a line of `events.jsonl`. A full disk is the checkpoint's to tell.
    func happened(_ event: SupervisionEvent.Kind, step: Int, rank: Int? = nil, _ text: String) {
        try? folder.events.append(
            SupervisionEvent(event, attempt: attempt, step: step, rank: rank, text: text))
    }

    // MARK: The end

    /// Ends the thread. The last thing that a run writes is its status.
    func close(_ state: RunStatus.State, _ end: RunEnd) {
        monitor.withLock {
            isClosed = true
            monitor.announce()
        }
        thread.take()?.join()
        update()
        status.state = state
        status.end = end
        // Nobody else would remove it.
        if let path = supervised?.board, ((try? folder.lease()) ?? nil)?.life == .gone { unlink(path) }
        // A run that cannot tell its end has ended all the same.
        if let request { obeyed(request) }
        if let ledger = try? folder.ledger() {
            var ledger = ledger
            if let place = ledger.attempts.lastIndex(where: { $0.number == attempt }) {
                ledger.attempts[place].ended = .now
                ledger.attempts[place].toStep = status.step
                ledger.attempts[place].end = end
            }
            try? folder.write(ledger)
        }
        if supervised == nil {
            try? folder.events.append(SupervisionEvent(.end, attempt: attempt, step: status.step, end: end))
        }
        status.heartbeat = .now
        try? folder.write(status)
    }

    // MARK: The thread

    private func run() {
        monitor.lock()
        defer { monitor.unlock() }
        while !isClosed {
            look()
            monitor.wait(seconds: Self.secondsOfLook)
        }
    }

    private func look() {
        stopIfSuperseded()
        obey()
        deadline?.stepSeconds = StopSignal.recentStepSeconds
        if let deadline, deadline.isNear() { StopSignal.ask(.deadline) }
        let now = MonotonicClock.seconds
        lookForCheckpoint(now)
        let before = status
        update()
        guard now - writtenAt >= Self.secondsOfStatus || status.state != before.state else { return }
        writtenAt = now
        status.heartbeat = .now
        // A full disk is the checkpoint's to tell.
        try? folder.write(status)
    }

    private func lookForCheckpoint(_ now: Double) {
        guard let pace, !isCheckpointDue.load(ordering: .acquiring) else { return }
        let last = Double(bitPattern: snapshotAt.load(ordering: .relaxed))
        if now - last >= pace.seconds(uptime: now - began) { isCheckpointDue.store(true, ordering: .relaxed) }
    }

    private func update() {
        let step = step.load(ordering: .relaxed)
        if status.state == .starting, step > status.step { status.state = .running }
        if StopSignal.isRequested { status.state = .stopping }
        status.step = step
        status.epoch = epoch.load(ordering: .relaxed)
        let checkpoint = checkpoint.load(ordering: .relaxed)
        if checkpoint >= 0 { status.checkpoint = checkpoint }
        status.checkpointSeconds = pace?.seconds(uptime: MonotonicClock.seconds - began)
    }

    private func obey() {
        guard request == nil, let asked = try? folder.request() else { return }
        request = asked
        switch asked.request {
        case .stop: StopSignal.ask(asked.cause)
        case .checkpoint: wantsCheckpoint.store(true, ordering: .relaxed)
        }
    }

    private func obeyed(_ request: ControlRequest) {
        try? folder.removeRequest(request)
        self.request = nil
    }

    /// Two never write one folder: a rank that slept while another supervisor took the run must not wake up and write. One
    /// whose supervisor is gone stops after a checkpoint.
    private func stopIfSuperseded() {
        guard let supervised else { return }
        if let generation = supervised.generation {
            guard (try? HeldLease.isCurrent(generation, in: folder)) != false else {
                Message.write(
                    "mio: another supervisor has taken over \(folder.path); this run ends without a checkpoint"
                )
                _exit(128 + SIGTERM)
            }
        }
        if supervisorIsGone { StopSignal.ask(.unknown) }
    }

    /// As far as this machine can tell.
    var supervisorIsGone: Bool {
        guard supervised != nil, let lease = (try? folder.lease()) ?? nil else { return false }
        return !lease.isReleased && lease.life == .gone
    }
}
