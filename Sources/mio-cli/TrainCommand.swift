import ArgumentParser
import Foundation
import MIOBase
import MIOCommandLine
import MIOFiles
import MIOJob
import MIOLaunch
import MIOMachine
import MIORecords
import MIORun
import MIORunFolder
import MIOSupervision

/// `mio train`
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a job with several processes: shows the mpirun line, then runs it.",
        discussion: """
            The number of processes changes the speed, never the result. Run it again to continue from the \
            newest checkpoint, with another number if you like. Ctrl-C once: checkpoint and stop (exit code \
            75); twice: stop now, without one.

              mio train -n 4 job.yaml --set training.epochs=2
              mio train -n 8 job.yaml --hosts a:4,b:4
              mio train -n 4 job.yaml -- --mca btl_tcp_if_include eth0
            """)

    @OptionGroup var ranks: RankOptions

    @Option(
        help: ArgumentHelp(
            "What starts the ranks: mpirun; srun, inside an allocation of a Slurm with PMIx.",
            valueName: "program"))
    var launcher = LaunchLine.Launcher.mpirun

    @OptionGroup var job: JobOptions

    @OptionGroup var kernels: KernelOptions

    @OptionGroup var start: StartOptions

    @OptionGroup var supervision: SupervisionOptions

    @Flag(help: "Shows the line and runs nothing.")
    var dryRun = false

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("After --: further arguments of mpirun, or srun.", valueName: "mpirun arguments"))
    var mpirunArguments: [String] = []

    func validate() throws {
        if launcher == .srun {
            guard ranks.hosts == nil, ranks.hostfile == nil else {
                throw ValidationError(
                    "--launcher srun takes the machines of the allocation; leave out --hosts and --hostfile")
            }
            guard BatchJob.current != nil else {
                throw ValidationError(
                    "--launcher srun needs an allocation of Slurm, and there is no SLURM_JOB_ID: use sbatch "
                        + "(cluster/slurm.sbatch) or salloc, or --launcher mpirun")
            }
        }
        for argument in mpirunArguments {
            if ["-n", "-np", "--np", "-c", "--n"].contains(argument) {
                throw ValidationError("\(argument) after --: say the number of ranks once, with -n before it")
            }
            if ranks.hosts != nil || ranks.hostfile != nil,
                LaunchLine.hostOptions.contains(argument)
            {
                throw ValidationError("\(argument) after --: the machines are named before it; keep one")
            }
        }
    }

    func run() throws {
        // Bad jobs, and hosts that a quiet mpirun would refuse without a word, are refused before anything is started.
        let job = try job.load()
        try ranks.check(mpirunArguments: mpirunArguments)
        let hosts = ranks.launchHosts
        let launches =
            launcher == .mpirun
            && LaunchLine.needsLauncher(ranks: ranks.number, hosts: hosts, extra: mpirunArguments)
        let circumstances = LaunchLine.Circumstances(
            cores: .current, openMPI: launches ? OpenMPIVersion.installed() : nil,
            isRoot: geteuid() == 0, isTerminal: isatty(1) == 1, coresPerRank: BatchJob.current?.coresPerTask)
        func line(continues: Bool, at place: RunHosts.Placement? = nil, extra: [String] = []) throws
            -> LaunchLine
        {
            LaunchLine(
                ranks: place?.ranks ?? ranks.number, worker: try workerArguments(continues: continues),
                hosts: place.map { RunHosts.launchHosts($0, of: hosts) } ?? hosts, by: launcher,
                extra: mpirunArguments + extra, circumstances: circumstances)
        }
        let shown = try line(continues: false)
        // Who sees the line may ask it to stop.
        ChildProcess.holdRequests()
        Message.write("$ \(shown.text)")
        if dryRun { return }
        // mpirun hands its own environment to the ranks of this machine alone.
        let exports = launches && ranks.isElsewhere
        let supervisor = RunSupervisor(
            job, ranks: ranks.number, launcher: launcher,
            hosts: RunHosts(
                hosts, ranks: ranks.number, launcher: launcher, arguments: mpirunArguments,
                options: supervision),
            options: supervision
        ) { attempt in
            try line(
                continues: attempt.continues, at: attempt.place,
                extra: exports ? attempt.variables.flatMap { ["-x", $0] } : [])
        }
        throw ExitCode(try run(supervisor, job))
    }

    /// - Parameter continues: from the newest checkpoint, whatever was asked for the run's beginning.
    private func workerArguments(continues: Bool) throws -> [String] {
        var arguments = [try Self.workerPath(), job.path]
        for override in job.overrides { arguments += ["--set", override] }
        if kernels.kernels != .native { arguments += ["--kernels", kernels.kernels.rawValue] }
        arguments += continues ? start.argumentsToContinue : start.arguments
        return arguments
    }

    /// `mio-worker` lies beside this program.
    static func workerPath() throws -> String {
        let own = Bundle.main.executableURL?.resolvingSymlinksInPath()
        let folder = own?.deletingLastPathComponent().path ?? "."
        let path = folder + "/mio-worker"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw RunError(
                "\(path) is not there: mio-worker must lie beside mio; build both with "
                    + "`swift build -c release`", exitCode: .missingInput)
        }
        return path
    }

    /// Of the job that each run writes into its folder when it begins.
    private static func stamp(_ job: Job) -> FileStamp? {
        try? OpenFile(RunDirectory.jobPath(in: job.runDirectory), .reading).stamp()
    }

    /// Runs attempts until one ends the run.
    private func run(_ supervisor: RunSupervisor, _ job: Job) throws -> Int32 {
        try supervisor.takeOver()
        supervisor.startNotifying()
        defer { supervisor.release() }
        do { return try attempts(supervisor, job) } catch {
            supervisor.over(.failed, RunEnd(.unknown, text: "\(error)"), step: 0)
            throw error
        }
    }

    private func attempts(_ supervisor: RunSupervisor, _ job: Job) throws -> Int32 {
        while true {
            let before = Self.stamp(job)
            let (ending, line) = try attempt(supervisor)
            if ending.isSuperseded { throw supervisor.superseded() }
            let end = supervisor.end(of: ending)
            switch supervisor.conclude(end, ending) {
            case .again(let seconds):
                guard let cause = supervisor.pause(seconds) else { continue }
                if cause == .superseded { throw supervisor.superseded() }
                Message.write("stopped before the next attempt; \(job.whatIsLeft)")
                let stop = RunEnd(
                    cause, text: "stopped before the next attempt", exitCode: 75, step: ending.stepsDone)
                supervisor.writeStatus(.stopped, stop, step: ending.stepsDone)
                supervisor.over(.stopped, stop, step: ending.stepsDone)
                Self.tell(cause)
                return MIOBase.ExitCode.stopped.rawValue
            case .noProgress(let text):
                Message.write("mio: \(text)")
                let end = RunEnd(
                    .noProgress, text: text, exitCode: 79, signal: end.signal, rank: end.rank, host: end.host,
                    step: ending.stepsDone, operation: end.operation, rows: end.rows)
                supervisor.writeStatus(.failed, end, step: ending.stepsDone)
                supervisor.over(.failed, end, step: ending.stepsDone)
                return MIOBase.ExitCode.noProgress.rawValue
            case .over:
                let status = try status(of: ending, end, line, job, jobBefore: before, supervisor)
                let state: RunStatus.State =
                    end.cause == .finished ? .finished : end.cause.isStop ? .stopped : .failed
                // What no rank could write itself.
                if end.cause != .finished, !(end.cause.isStop && status == MIOBase.ExitCode.stopped.rawValue)
                {
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

    private func attempt(_ supervisor: RunSupervisor) throws -> (RunSupervisor.Ending, LaunchLine) {
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
        of ending: RunSupervisor.Ending, _ end: RunEnd, _ line: LaunchLine, _ job: Job,
        jobBefore before: FileStamp?, _ supervisor: RunSupervisor
    ) throws -> Int32 {
        let requests = ending.requests
        if requests > 1 { Message.write(job.whatIsLeft) }
        if let decided = ending.decided {
            if requests == 0 || requests == 1 { Message.write("mio: \(decided.text); \(job.whatIsLeft)") }
            return 128 + SIGTERM
        }
        switch ending.end {
        case .idle: return stoppedUnheard(job)
        case .exited(let status):
            // All ranks agreed on it, whatever code the launcher has of its own.
            if requests == 1, end.exitCode == Int(MIOBase.ExitCode.stopped.rawValue) {
                return MIOBase.ExitCode.stopped.rawValue
            }
            // mpirun that has started no rank may call that a success (version 4), or an error that is no signal's
            // (version 5: 250).
            if requests > 0, status == 0 || status > Self.largestSignalStatus, Self.stamp(job) == before {
                return requests > 1 ? 128 + SIGTERM : stoppedUnheard(job)
            }
            if status == 0, end.cause != .finished {
                // `srun` ends so where it could not start its tasks.
                Message.write("mio: \(line.arguments[0]): \(end.text); \(job.whatIsLeft)")
                return MIOBase.ExitCode.inputOutput.rawValue
            }
            guard MIOBase.ExitCode(rawValue: status) == nil else { return status }
            // mpirun has a status of its own for it.
            if requests > 1 { return 128 + SIGTERM }
            if requests == 1, status == 128 + SIGUSR1 { return stoppedUnheard(job) }
            // A rank has said what it waited for.
            if requests == 1, status == 128 + SIGTERM {
                Message.write(job.whatIsLeft)
                return status
            }
            explain(status, line, end, job, supervisor)
            return status
        case .killed(let signal):
            // Asked before it could listen: nothing had begun.
            if requests > 0, signal == SIGUSR1 || signal == SIGTERM {
                return requests > 1 ? 128 + SIGTERM : stoppedUnheard(job)
            }
            tellOfSignal(signal, of: line.startsRanks ? line.arguments[0] : "the rank", job)
            return 128 + signal
        }
    }

    /// 128 + the largest number of a signal.
    private static var largestSignalStatus: Int32 { 128 + 64 }

    /// The exit code of a run that was asked to stop before a rank could listen: it has written nothing itself.
    private func stoppedUnheard(_ job: Job) -> Int32 {
        Message.write("stopped before the first step; \(job.whatIsLeft)")
        return MIOBase.ExitCode.stopped.rawValue
    }

    private func tellOfSignal(_ signal: Int32, of what: String, _ job: Job) {
        Message.write(
            "mio: \(what) was ended by signal \(signal)"
                + (signal == SIGKILL ? ", as when memory runs out" : "") + "; " + job.whatIsLeft)
    }

    /// What no rank could tell itself, and a quiet mpirun does not.
    private func explain(
        _ status: Int32, _ line: LaunchLine, _ end: RunEnd, _ job: Job, _ supervisor: RunSupervisor
    ) {
        // Linux has 64 signals.
        if (129...192).contains(status) {
            tellOfSignal(status - 128, of: end.rank.map { "rank \($0)" } ?? "a rank", job)
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

extension LaunchLine.Launcher: ExpressibleByArgument {}
