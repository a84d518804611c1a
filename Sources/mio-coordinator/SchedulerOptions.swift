import ArgumentParser
import Foundation
import MIOBase
import MIODaemon

/// What starts submitted runs, and what Slurm is told.
struct SchedulerOptions: ParsableArguments {
    enum Scheduler: String, ExpressibleByArgument, CaseIterable {
        case auto, slurm, none
    }

    @Option(
        help:
            "What starts runs: slurm, each as a job of its own; none, this machine's cores; auto, slurm where sbatch is installed and configured, unless --cores is given."
    )
    var scheduler = Scheduler.auto

    @Option(
        help: ArgumentHelp(
            "Slurm's partition; repeat it for several that clients may choose among, the default first.",
            valueName: "name"))
    var partition: [String] = []

    @Option(
        name: .customLong("time"),
        help: ArgumentHelp("Slurm's time limit where a client names none, as 4:00:00.", valueName: "time"))
    var timeLimit: String?

    @Option(
        help: ArgumentHelp(
            "A further argument of sbatch, as --sbatch=--account=physics; repeat it for several.",
            valueName: "argument"))
    var sbatch: [String] = []

    @Option(
        name: .customLong("job-script"),
        help: ArgumentHelp("What sbatch gets (default: cluster/slurm.sbatch of mio).", valueName: "file"))
    var script: String?

    @Option(
        name: .customLong("ask-every"),
        help: ArgumentHelp(
            "At least so many seconds lie between two questions to Slurm.", valueName: "seconds"))
    var interval = 60

    func validate() throws {
        guard interval > 0 else { throw ValidationError("--ask-every \(interval): expected at least 1") }
        if let timeLimit, !SlurmSettings.isTimeLimit(timeLimit) {
            throw ValidationError(
                "--time \(timeLimit.shown()): expected minutes, M:S, H:M:S, D-H, D-H:M or D-H:M:S, as sbatch takes it"
            )
        }
        if let other = sbatch.first(where: { !$0.hasPrefix("-") }) {
            throw ValidationError(
                "--sbatch \(other.shown()): expected an option of sbatch, as --sbatch=--account=physics")
        }
        if scheduler == .none, saysAnything {
            throw ValidationError(
                "--partition, --time, --sbatch and --job-script are for Slurm: not with --scheduler none")
        }
    }

    private var saysAnything: Bool {
        !partition.isEmpty || timeLimit != nil || !sbatch.isEmpty || script != nil
    }

    /// - Parameter cores: of `--cores`.
    /// - Returns: `nil` where runs start on this machine; and why, where that is not plain.
    func settings(cores: Int?) throws -> (slurm: SlurmSettings?, because: String?) {
        if scheduler == .none { return (nil, nil) }
        if cores != nil {
            guard scheduler == .auto, !saysAnything else {
                throw ValidationError(
                    "--cores is for runs on this machine: leave it out, or say --scheduler none")
            }
            return (nil, nil)
        }
        var settings = SlurmSettings(script: try place())
        settings.partitions = partition
        settings.timeLimit = timeLimit
        settings.options = sbatch
        settings.interval = Double(interval)
        if scheduler == .slurm { return (settings, nil) }
        switch SlurmFinding(settings) {
        case .there: return (settings, nil)
        case .missing(let why):
            if saysAnything {
                throw RunError("no Slurm here: \(why)", exitCode: .missingInput)
            }
            return (nil, why)
        }
    }

    /// The script, also where it is only needed if Slurm is there.
    private func place() throws -> String {
        if let script {
            let path = URL(fileURLWithPath: script).standardizedFileURL.path
            guard FileManager.default.isReadableFile(atPath: path) else {
                throw RunError("--job-script \(shown: path): no such file", exitCode: .missingInput)
            }
            return path
        }
        let own = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
        // Of a built checkout (.build/x86_64-unknown-linux-gnu/release), and of an installation in PREFIX/bin.
        let places = ["../../../cluster/slurm.sbatch", "../share/mio/slurm.sbatch", "slurm.sbatch"]
        let paths = places.compactMap { own?.appending(path: $0).standardizedFileURL.path }
        if let path = paths.first(where: FileManager.default.isReadableFile) { return path }
        guard scheduler == .auto else {
            throw RunError(
                "cluster/slurm.sbatch is in none of \(listed(paths, longest: 300)): name it with --job-script",
                exitCode: .missingInput)
        }
        return paths.last ?? "slurm.sbatch"
    }
}
