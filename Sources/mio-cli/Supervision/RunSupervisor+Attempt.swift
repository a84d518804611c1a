import Foundation
import MIOBase
import MIOLaunch
import MIORecords
import MIORun
import MIORunFolder
import MIOSupervision
import MIOSystem

/// One start of the ranks, up to their end.
extension RunSupervisor {
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

    /// Starts the ranks and waits for their end.
    func attempt(onRequest: @escaping (Int) -> Void) throws -> (Ending, LaunchLine) {
        number += 1
        launcherAnswer = nil
        hosts?.attemptBegins()
        let board = try? ProgressBoard(
            creating: "/dev/shm/mio-\(getuid())-\(getpid())-\(number)", ranks: ranks)
        let remote = hosts == nil ? nil : board.flatMap { try? RemoteRanks($0) }
        defer { remote?.stop() }
        let watch = board.map { RankWatch(board: $0, remote: remote, limits: limits) }
        let variables = Supervised(
            attempt: number, generation: lease?.lease.generation, board: board?.path, deadline: deadline,
            logs: folder.path, link: remote?.link, jobCopy: try neededCopy()
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
        launcherProcess = Int(child.process)
        defer { launcherProcess = nil }
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
                firstDead: watch?.firstDead, diedTogether: watch?.diedTogether ?? [],
                firstGoneElsewhere: remote?.firstGone,
                firstEnded: watch?.firstEnded,
                stepsDone: max(watch?.stepsDone ?? 0, status?.attempt == number ? status?.step ?? 0 : 0),
                hasBegun: began, seconds: looker.seconds,
                memoryKills: (OutOfMemory.kills ?? 0) - (memoryKills ?? 0), isSuperseded: looker.isSuperseded,
                words: child.lastWords, lastLine: child.lastLine),
            line
        )
    }

    private func beginAttempt(_ line: LaunchLine) throws {
        guard let lease else { return }
        // A disk that is full now may have room later: only the ranks' own files are worth an end.
        guard (try? lease.beat(attempt: number)) ?? true else { throw superseded() }
        if isNew { return }
        // What cannot be read is not written over.
        if var ledger = try? folder.ledger() ?? newLedger() {
            ledger.command = command
            ledger.workingDirectory = FileManager.default.currentDirectoryPath
            ledger.attempts.append(
                RunLedger.Attempt(
                    number: number, ranks: ranks, launch: line.arguments,
                    generation: lease.lease.generation))
            try? folder.write(ledger)
        }
        note(SupervisionEvent(.attempt, attempt: number, text: counted(ranks, "rank")))
    }

    private func newLedger() -> RunLedger {
        RunLedger(
            id: UUID().uuidString.lowercased(), name: job.name, mioVersion: mioVersion,
            command: command, workingDirectory: FileManager.default.currentDirectoryPath,
            user: ProcessInfo.processInfo.userName)
    }
}
