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
        // Whoever reads what this process says may end before it does.
        signal(SIGPIPE, SIG_IGN)
        // Bad jobs, and hosts that a quiet mpirun would refuse without a word, are refused before anything is started.
        let options = job
        let job = try options.load()
        // Read apart from the job: who saves the file in this moment gets both, or is told at the first restart.
        let copy = try options.copy()
        try ranks.check(mpirunArguments: mpirunArguments)
        // Here and not by ranks alone: those on other machines do not know that a daemon starts the run.
        try CallbackFiles.verify(job)
        if let trace = start.trace { try JobFiles(job, file: options.path).verify(trace: trace) }
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
            job, copy, command: options.naming(CommandLine.arguments), ranks: ranks.number,
            launcher: launcher,
            hosts: RunHosts(
                hosts, ranks: ranks.number, launcher: launcher, arguments: mpirunArguments,
                options: supervision),
            options: supervision
        ) { attempt in
            try line(
                continues: attempt.continues, at: attempt.place,
                extra: exports ? attempt.variables.flatMap { ["-x", $0] } : [])
        }
        throw ExitCode(try SupervisedTraining(supervisor, job).run())
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
}

extension LaunchLine.Launcher: ExpressibleByArgument {}
