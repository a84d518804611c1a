import Foundation
import MIOBase
import MIOComm
import MIOJob
import MIOMPI
import MIOMachine
import MIORun
import MIOTuning

/// A program that is one rank of a run, and nothing else: what `mio-worker` is.
public enum RankProcess {
    /// Trains a job, then ends the process with the exit code of `mio-worker`.
    /// - Parameters:
    ///   - resume: what to continue from.
    ///   - makeJob: on every rank; an error of it ends all of them with one message.
    public static func train(resume: ResumeMode = .automatic, _ makeJob: () throws -> Job) -> Never {
        train(resume: resume, kernels: .native, trace: nil, makeJob)
    }

    /// Trains a job, then ends the process with the contract's exit code.
    /// - Parameters:
    ///   - resume: what to continue from.
    ///   - kernels: how to compute.
    ///   - trace: where to write what the ranks do, and when; `nil` for nowhere.
    ///   - makeJob: on every rank; an error of it ends all of them with one message.
    package static func train(
        resume: ResumeMode, kernels: KernelSelection, trace: TraceRequest?, _ makeJob: () throws -> Job
    ) -> Never {
        run { communicator in
            let job = try communicator.agree(on: "the job") { try makeJob() }
            return try train(
                job, on: communicator, resume: resume, kernels: kernels, trace: trace, showsProgress: true
            ).outcome
        }
    }

    /// Trains a job on all ranks.
    /// - Throws: one error, the same on all ranks.
    static func train(
        _ job: Job, on communicator: any Communicator, resume: ResumeMode, kernels: KernelSelection,
        trace: TraceRequest?, showsProgress: Bool
    ) throws -> TrainingResult {
        try communicator.requireEqual(option: "--kernels", kernels.rawValue)
        let session = try Session(job: job, communicator: communicator, makeBackend: kernels.makeBackend)
        if communicator.rank == 0 {
            for warning in job.warnings { Message.write("warning: \(warning)") }
        }
        let run = try TrainingRun(session, resume: resume, trace: trace)
        let outcome = try run.run(
            resume: resume,
            console: showsProgress && communicator.rank == 0 ? Console.standardOutput : nil,
            isStopRequested: { StopSignal.listen() })
        return TrainingResult(outcome: outcome, history: run.history)
    }

    /// Runs `body` on this rank and ends the process. Rank 0 tells what all ranks agreed on; a rank that
    /// fails alone takes the others with it.
    /// - Parameter body: its errors that conform to `MIOError`, but for `CommunicationError`, are those of all ranks: what
    ///   one of them may find alone goes through `agree(on:)`.
    package static func run(_ body: (any Communicator) throws -> RunOutcome) -> Never {
        RankLog.keep()
        StopSignal.install(rank: MPILaunch.rank)
        OpenFilesLimit.raiseToUsual()
        RankProgress.join(rank: MPILaunch.rank ?? 0)
        let communicator = start()
        var code = ExitCode.finished
        do {
            if let fault = (communicator as? MPICommunicator)?.fault { throw fault }
            code = try body(communicator).exitCode
        } catch let error as CommunicationError {
            Message.write("mio: rank \(communicator.rank): \(error)")
            RankProgress.ends(with: error.exitCode.rawValue)
            communicator.abort(error.exitCode)
        } catch let error as any MIOError {
            code = error.exitCode
            if communicator.rank == 0 { Message.write("mio: \(error)") }
        } catch {
            Message.write("mio: rank \(communicator.rank): \(error)")
            RankProgress.ends(with: ExitCode.internalError.rawValue)
            communicator.abort(.internalError)
        }
        RankProgress.ends(with: code.rawValue)
        ProcessEnd.finalize(communicator, code)
        endProcess(code.rawValue)
    }

    /// MPI under a launcher, a world of one alone.
    private static func start() -> any Communicator {
        do {
            return MPILaunch.isLaunched ? try MPICommunicator() : LoopbackCommunicator()
        } catch {
            Message.write("mio: \(error)")
            MPICommunicator.endAll(error.exitCode)
        }
    }
}

/// Where progress is shown.
enum Console {
    /// mpirun gives every rank a terminal of its own, whatever its output goes to, and a rank with a log writes to a
    /// pipe; whoever starts it on a real one says so in MIO_TERMINAL.
    static var standardOutput: ConsoleTarget {
        let told = ProcessInfo.processInfo.environment["MIO_TERMINAL"] == "1"
        return ConsoleTarget(
            descriptor: 1, isTerminal: told || !MPILaunch.isLaunched && isatty(1) == 1)
    }
}
