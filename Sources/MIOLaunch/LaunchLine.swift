import MIOBase
import MIOMachine

/// The command that starts a run's ranks: `mpirun` or `srun` and its options, or for one rank the worker itself.
///
/// A value: shown before it is run, and what a person copies from there starts the same.
package struct LaunchLine: Hashable, Sendable {
    /// A variable for the command.
    package struct Variable: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    /// To be added to the environment.
    package let environment: [Variable]
    /// The program, then its arguments.
    package let arguments: [String]
    /// How many of them, at the end, are the worker's path and its arguments.
    private let workerCount: Int

    /// Where ranks run, if not on this machine.
    package enum Hosts: Hashable, Sendable {
        /// This machine.
        case here
        /// What a batch system has allocated: `mpirun` asks it.
        case allocation
        /// `mpirun --host`: `a:4,b:4`.
        case list(String)
        /// `mpirun --hostfile`.
        case file(String)
        /// A part of what a batch system has allocated: as many machines with their slots, and without those.
        case partOfAllocation(list: String, count: Int, leftOut: [String])
    }

    /// The program that starts the ranks.
    package enum Launcher: String, Hashable, Sendable, CaseIterable {
        case mpirun
        /// Slurm's own, inside an allocation: each rank is a task of one step.
        case srun
    }

    /// Who starts it, from where, and by what.
    package struct Circumstances: Hashable, Sendable {
        package var cores: MachineCores
        /// The major version of the Open MPI that `mpirun` belongs to; `nil` if it is not known.
        package var openMPI: Int?
        /// `mpirun` refuses root unless told twice.
        package var isRoot: Bool
        /// Whether progress goes to a person's terminal, which ranks under `mpirun` cannot see.
        package var isTerminal: Bool
        /// What an allocation has for each rank, where it tells (`sbatch --cpus-per-task`).
        package var coresPerRank: Int?

        package init(
            cores: MachineCores, openMPI: Int?, isRoot: Bool = false, isTerminal: Bool = false,
            coresPerRank: Int? = nil
        ) {
            self.coresPerRank = coresPerRank
            self.cores = cores
            self.openMPI = openMPI
            self.isRoot = isRoot
            self.isTerminal = isTerminal
        }
    }

    /// Whether it needs an `mpirun`: a lone rank on this machine needs none without arguments for it.
    package static func needsLauncher(ranks: Int, hosts: Hosts, extra: [String]) -> Bool {
        ranks != 1 || hosts != .here || !extra.isEmpty
    }

    /// - Parameters:
    ///   - worker: the worker's path and its arguments.
    ///   - extra: further arguments of the launcher.
    package init(
        ranks: Int, worker: [String], hosts: Hosts = .here, by launcher: Launcher = .mpirun,
        extra: [String] = [], circumstances: Circumstances
    ) {
        workerCount = worker.count
        guard Self.needsLauncher(ranks: ranks, hosts: hosts, extra: extra) else {
            environment = []
            arguments = worker
            return
        }
        if launcher == .srun {
            environment = []
            var part: [String] = []
            if case .partOfAllocation(_, let count, let leftOut) = hosts {
                part = ["--nodes=\(count)", "--exclude=\(leftOut.joined(separator: ","))"]
            }
            arguments = Self.srun(ranks, circumstances.coresPerRank) + part + extra + worker
            return
        }
        var environment: [Variable] = []
        // Quiet: the ranks tell what happened themselves, once. Open MPI 5 has no such option (`OutputRelay` leaves its
        // words about it out). On other machines only `mpirun` knows which one a rank that died was on.
        let isQuiet = hosts == .here && circumstances.openMPI.map { $0 <= 4 } == true
        var line = [Launcher.mpirun.rawValue] + (isQuiet ? ["-q"] : [])
        line += ["-n", String(ranks)]
        if circumstances.isRoot {
            environment += ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"].map {
                Variable(name: $0, value: "1")
            }
        }
        let cores = circumstances.cores
        var binding: [String]
        switch hosts {
        case .allocation, .partOfAllocation:
            // Open MPI reads machines and tasks from Slurm, and not the cores of a task.
            if case .partOfAllocation(let list, _, _) = hosts { line += ["--host", list] }
            binding =
                circumstances.coresPerRank.map { ["--map-by", "slot:PE=\($0)", "--bind-to", "core"] }
                ?? Self.bindingElsewhere(ranks)
        case .list(let list):
            line += ["--host", list]
            binding = Self.bindingElsewhere(ranks)
        case .file(let path):
            line += ["--hostfile", path]
            binding = Self.bindingElsewhere(ranks)
        case .here where ranks > cores.cores:
            line.append("--oversubscribe")
            // A rank that waits must not take the core of one that works.
            environment.append(Variable(name: "OMPI_MCA_mpi_yield_when_idle", value: "1"))
            binding = ["--bind-to", "none"]
        case .here where ranks == 1 || cores.isRestricted:
            // mpirun would bind a lone rank to one core, and knows nothing of an affinity mask.
            binding = ["--bind-to", "none"]
        case .here:
            binding = ["--map-by", "slot:PE=\(cores.cores / ranks)", "--bind-to", "core"]
        }
        // Who says how to bind says all of it.
        let options = extra.map { $0.drop { $0 == "-" } }
        if options.contains("bind-to") || options.contains("map-by") { binding = [] }
        line += binding
        if circumstances.isTerminal { line += ["-x", "MIO_TERMINAL=1"] }
        self.environment = environment
        arguments = line + extra + worker
    }

    /// `srun` and its options. It does not take over `--cpus-per-task` from the batch script by itself since Slurm 22.05.
    ///
    /// A rank that ends first does not end the others at once, which would hide the exit code that all agreed on; none of
    /// them outlives it for long.
    private static func srun(_ ranks: Int, _ coresPerRank: Int?) -> [String] {
        [Launcher.srun.rawValue, "--mpi=pmix", "-n", String(ranks)]
            + (coresPerRank.map { ["--cpus-per-task=\($0)"] } ?? [])
            + ["--cpu-bind=cores", "--kill-on-bad-exit=0", "--wait=\(secondsOfOthers)"]
    }

    private static let secondsOfOthers = 10

    /// `mpirun`'s options that say where ranks run.
    package static let hostOptions: Set = [
        "-H", "-host", "--host", "-hostfile", "--hostfile", "-machinefile", "--machinefile",
    ]

    /// Up to two ranks, mpirun would bind each to one core, on machines of many; more to a socket.
    private static func bindingElsewhere(_ ranks: Int) -> [String] {
        ranks <= 2 ? ["--bind-to", "none"] : []
    }

    /// Whether the launcher runs in its quiet mode, in which it does not say why it could not start the ranks.
    package var isQuiet: Bool { startsRanks && arguments.dropFirst().first == "-q" }

    /// Whether the program starts ranks, and is none itself.
    package var startsRanks: Bool { arguments.first.flatMap(Launcher.init) != nil }

    /// The launch of another program in the same way, by a launcher that is not quiet.
    package func aloud(of program: [String]) -> LaunchLine {
        let launcher = arguments.dropLast(workerCount).filter { !["-q", "--quiet"].contains($0) }
        return LaunchLine(
            environment: environment, arguments: launcher + program, workerCount: program.count)
    }

    private init(environment: [Variable], arguments: [String], workerCount: Int) {
        self.environment = environment
        self.arguments = arguments
        self.workerCount = workerCount
    }

    /// As one would type it into a shell.
    package var text: String {
        (environment.map { "\($0.name)=\($0.value.shellWord)" } + arguments.map(\.shellWord)).joined(
            separator: " ")
    }
}
