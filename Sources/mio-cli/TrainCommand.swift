import ArgumentParser
import Foundation
import MIOCommandLine
import MIORun
import MIOTensor

/// `mio train`
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a job with several processes: shows the mpirun line, then runs it.",
        discussion: """
            The number of processes changes the speed, never the result. Run it again to continue from the \
            newest checkpoint, with another number if you like. Ctrl-C once: checkpoint and stop (exit code \
            75); twice: stop now.

              mio train -n 4 job.yaml --set training.epochs=2
              mio train -n 8 job.yaml --hosts a:4,b:4
              mio train -n 4 job.yaml -- --mca btl_tcp_if_include eth0
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("Processes, called ranks.", valueName: "ranks"))
    var number = 1

    @OptionGroup var job: JobOptions

    @Option(help: ArgumentHelp("The machines and their slots: a:4,b:4.", valueName: "hosts"))
    var hosts: String?

    @Option(
        help: ArgumentHelp("A file with a line for each machine: a slots=4.", valueName: "file"),
        completion: .file())
    var hostfile: String?

    @OptionGroup var kernels: KernelOptions

    @OptionGroup var start: StartOptions

    @Flag(help: "Shows the line and runs nothing.")
    var dryRun = false

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("After --: further arguments of mpirun.", valueName: "mpirun arguments"))
    var mpirunArguments: [String] = []

    func validate() throws {
        guard number >= 1 else { throw ValidationError("-n \(number): expected at least 1 rank") }
        guard hosts == nil || hostfile == nil else {
            throw ValidationError("--hosts and --hostfile both name the machines; keep one")
        }
    }

    func run() throws {
        // A bad job is told before anything is started; and what mpirun would be too quiet about.
        _ = try job.load()
        if let hostfile, !FileManager.default.isReadableFile(atPath: hostfile) {
            throw RunError(
                "--hostfile \(hostfile): no such file, or no right to read it", exitCode: .missingInput)
        }
        let hosts = launchHosts
        let launches = LaunchLine.needsLauncher(ranks: number, hosts: hosts, extra: mpirunArguments)
        let line = LaunchLine(
            ranks: number, worker: try workerArguments(), hosts: hosts, extra: mpirunArguments,
            circumstances: .init(
                cores: .current, openMPI: launches ? OpenMPIVersion.installed() : nil,
                isRoot: geteuid() == 0, isTerminal: isatty(1) == 1))
        // Who sees the line may ask it to stop.
        ChildProcess.holdRequests()
        Message.write("$ \(line.text)")
        if dryRun { return }
        throw ExitCode(try run(line))
    }

    private var launchHosts: LaunchLine.Hosts {
        if let hosts { return .list(hosts) }
        if let hostfile { return .file(hostfile) }
        let marks = ["SLURM_JOB_ID", "PBS_NODEFILE", "LSB_HOSTS", "PE_HOSTFILE"]
        let environment = ProcessInfo.processInfo.environment
        return marks.contains { environment[$0] != nil } ? .allocation : .here
    }

    private func workerArguments() throws -> [String] {
        var arguments = [try Self.workerPath(), job.path]
        for override in job.overrides { arguments += ["--set", override] }
        if kernels.kernels != .native { arguments += ["--kernels", kernels.kernels.rawValue] }
        arguments += start.arguments
        return arguments
    }

    /// `mio-worker` lies beside this program.
    private static func workerPath() throws -> String {
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

    private func run(_ line: LaunchLine) throws -> Int32 {
        let child: ChildProcess
        do {
            child = try ChildProcess(line)
        } catch let error as FileError where error.exitCode == .missingInput && line.startsRanks {
            throw RunError(
                "mpirun is not installed; on Debian and Ubuntu: sudo apt-get install openmpi-bin. "
                    + "One rank (-n 1) needs none", exitCode: .missingInput)
        }
        var requests = 0
        let end = child.wait { count in
            requests = count
            Message.write(
                count == 1
                    ? "stopping after a checkpoint; once more to stop now" : "stopping now")
        }
        switch end {
        case .exited(let status):
            guard MIOTensor.ExitCode(rawValue: status) == nil else { return status }
            // mpirun has a status of its own for it.
            if requests > 1 { return 128 + SIGTERM }
            if requests == 1, status == 128 + SIGUSR1 { return MIOTensor.ExitCode.stopped.rawValue }
            explain(status, line)
            return status
        case .killed(let signal):
            // Asked before it could listen: nothing had begun.
            if requests > 0, signal == SIGUSR1 || signal == SIGTERM {
                return requests > 1 ? 128 + SIGTERM : MIOTensor.ExitCode.stopped.rawValue
            }
            tellOfSignal(signal, of: line.startsRanks ? line.arguments[0] : "the rank")
            return 128 + signal
        }
    }

    private func tellOfSignal(_ signal: Int32, of what: String) {
        Message.write(
            "mio: \(what) was ended by signal \(signal)"
                + (signal == SIGKILL ? ", as when memory runs out" : "")
                + "; run again to continue from the newest checkpoint")
    }

    /// What no rank could tell itself, and a quiet mpirun does not.
    private func explain(_ status: Int32, _ line: LaunchLine) {
        // Linux has 64 signals.
        if (129...192).contains(status) {
            tellOfSignal(status - 128, of: "a rank")
        } else {
            Message.write(
                "mio: \(line.arguments[0]) ended with status \(status)"
                    + (line.isQuiet ? "; run the line above without -q to see why" : ""))
        }
    }
}
