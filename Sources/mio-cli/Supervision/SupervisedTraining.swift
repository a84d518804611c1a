import Foundation
import MIOBase
import MIOFiles
import MIOJob
import MIOLaunch
import MIOMachine
import MIORecords
import MIORun
import MIORunFolder

/// A training under a supervisor, from its first attempt to its last one, and what is said of its end.
struct SupervisedTraining {
    private let supervisor: RunSupervisor
    private let job: Job

    init(_ supervisor: RunSupervisor, _ job: Job) {
        self.supervisor = supervisor
        self.job = job
    }

    /// Of the job that each run writes into its folder when it begins.
    private func stamp() -> FileStamp? {
        try? OpenFile(RunDirectory.jobPath(in: job.runDirectory), .reading).stamp()
    }

    /// Runs attempts until one ends the run.
    /// - Returns: the exit code of `mio train`.
    func run() throws -> Int32 {
        try supervisor.takeOver()
        supervisor.startNotifying()
        defer { supervisor.release() }
        do { return try attempts() } catch {
            // Of a run that is another supervisor's by now nothing is told.
            if supervisor.beat() { supervisor.fail(error) }
            throw error
        }
    }

    private func attempts() throws -> Int32 {
        while true {
            let before = stamp()
            let (ending, line) = try attempt()
            if ending.isSuperseded { throw supervisor.superseded() }
            var end = supervisor.end(of: ending)
            switch supervisor.conclude(end, ending) {
            case .again(let seconds):
                guard let cause = supervisor.pause(seconds) else { continue }
                if cause == .superseded { throw supervisor.superseded() }
                SetAside.restore(in: supervisor.folder)
                Message.write("stopped before the next attempt; \(job.whatIsLeft)")
                let stop = RunEnd(
                    cause, text: "stopped before the next attempt", exitCode: 75, step: ending.stepsDone)
                supervisor.writeStatus(.stopped, stop, step: ending.stepsDone)
                supervisor.over(.stopped, stop, step: ending.stepsDone)
                Self.tell(cause)
                return ExitCode.stopped.rawValue
            case .noProgress(let text):
                Message.write("mio: \(text)")
                let end = RunEnd(
                    .noProgress, text: text, exitCode: 79, signal: end.signal, rank: end.rank, host: end.host,
                    step: ending.stepsDone, operation: end.operation, rows: end.rows)
                supervisor.writeStatus(.failed, end, step: ending.stepsDone)
                supervisor.over(.failed, end, step: ending.stepsDone)
                return ExitCode.noProgress.rawValue
            case .over:
                let status = try status(of: ending, end, line, jobBefore: before)
                let state: RunStatus.State =
                    end.cause == .finished ? .finished : end.cause.isStop ? .stopped : .failed
                // What no rank could write itself.
                if end.cause != .finished, !(end.cause.isStop && status == ExitCode.stopped.rawValue) {
                    // As `mio wait` ends, too.
                    if end.exitCode == nil { end.exitCode = Int(status) }
                    supervisor.writeStatus(state, end, step: ending.stepsDone)
                }
                supervisor.over(state, end, step: ending.stepsDone)
                Self.tell(end.cause)
                return status
            }
        }
    }

    /// A batch script decides by the cause whether the job goes back into the queue: a user's stop has the exit code of a time
    /// limit's. It names the file with `MIO_END`.
    private static func tell(_ cause: EndCause) {
        guard let path = ProcessInfo.processInfo.environment["MIO_END"], !path.isEmpty else { return }
        do {
            try Data("\(cause.rawValue)\n".utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            Message.write("mio: cannot write the cause of the end to \(shown: path): \(error)")
        }
    }

    private func attempt() throws -> (RunSupervisor.Ending, LaunchLine) {
        do {
            return try supervisor.attempt { count in
                Message.write(
                    count == 1
                        ? "stopping after a checkpoint; once more to stop now" : "stopping now")
            }
        } catch let error as FileError where error.exitCode == .missingInput && error.path == "mpirun" {
            throw RunError(
                "mpirun is not installed; on Debian and Ubuntu: sudo apt-get install openmpi-bin. "
                    + "One rank (-n 1) needs none", exitCode: .missingInput)
        } catch let error as FileError where error.exitCode == .missingInput && error.path == "srun" {
            throw RunError(
                "srun is not on this machine's PATH: install Slurm's client there, or use --launcher mpirun",
                exitCode: .missingInput)
        }
    }

    /// The exit code of a run after its last attempt. Says what no rank could say.
    private func status(
        of ending: RunSupervisor.Ending, _ end: RunEnd, _ line: LaunchLine, jobBefore before: FileStamp?
    ) throws -> Int32 {
        let requests = ending.requests
        if requests > 1 { Message.write(job.whatIsLeft) }
        if let decided = ending.decided {
            if requests == 0 || requests == 1 { Message.write("mio: \(decided.text); \(job.whatIsLeft)") }
            return 128 + SIGTERM
        }
        // No rank could tell it.
        if end.cause == .diskFull, end.rank == nil, ending.stepsDone == 0, requests == 0,
            (try? supervisor.folder.status())??.end != end
        {
            Message.write("mio: \(end.text)")
            return ExitCode.inputOutput.rawValue
        }
        switch ending.end {
        case .idle: return stoppedUnheard()
        case .exited(let status):
            // All ranks agreed on it, whatever code the launcher has of its own.
            if requests > 0, end.exitCode == Int(ExitCode.stopped.rawValue) {
                return ExitCode.stopped.rawValue
            }
            // mpirun that has started no rank may call that a success (version 4), or an error that is no signal's
            // (version 5: 250).
            if requests > 0, status == 0 || status > Self.largestSignalStatus, stamp() == before {
                return requests > 1 ? 128 + SIGTERM : stoppedUnheard()
            }
            if status == 0, end.cause != .finished {
                // `srun` ends so where it could not start its tasks.
                Message.write("mio: \(line.arguments[0]): \(end.text); \(job.whatIsLeft)")
                return ExitCode.inputOutput.rawValue
            }
            guard ExitCode(rawValue: status) == nil else { return status }
            // mpirun has a status of its own for it.
            if requests > 1 { return 128 + SIGTERM }
            if requests == 1, status == 128 + SIGUSR1 { return stoppedUnheard() }
            // A rank has said what it waited for.
            if requests == 1, status == 128 + SIGTERM {
                Message.write(job.whatIsLeft)
                return status
            }
            explain(status, line, end)
            return status
        case .killed(let signal):
            // Asked before it could listen: nothing had begun.
            if requests > 0, signal == SIGUSR1 || signal == SIGTERM {
                return requests > 1 ? 128 + SIGTERM : stoppedUnheard()
            }
            tellOfSignal(signal, of: line.startsRanks ? line.arguments[0] : "the rank")
            return 128 + signal
        }
    }

    /// 128 + the largest number of a signal.
    private static var largestSignalStatus: Int32 { 128 + 64 }

    /// The exit code of a run that was asked to stop before a rank could listen: it has written nothing itself.
    private func stoppedUnheard() -> Int32 {
        Message.write("stopped before the first step; \(job.whatIsLeft)")
        return ExitCode.stopped.rawValue
    }

    private func tellOfSignal(_ signal: Int32, of what: String) {
        Message.write(
            "mio: \(what) was ended by signal \(signal)"
                + (signal == SIGKILL ? ", as when memory runs out" : "") + "; " + job.whatIsLeft)
    }

    /// What no rank could tell itself, and a quiet mpirun does not.
    private func explain(_ status: Int32, _ line: LaunchLine, _ end: RunEnd) {
        // Linux has 64 signals.
        if (129...192).contains(status) {
            tellOfSignal(status - 128, of: end.rank.map { "rank \($0)" } ?? "a rank")
        } else if line.startsRanks, line.isQuiet,
            let answer = supervisor.answer(to: line), !answer.works, let words = answer.words
        {
            Message.write(
                "mio: \(line.arguments[0]) ended with status \(status) before a rank started. It says:\n\(words)"
            )
        } else if end.cause == .hostLost {
            Message.write("mio: \(end.text); \(job.whatIsLeft)")
        } else {
            Message.write("mio: \(line.arguments[0]) ended with status \(status)")
        }
    }
}
