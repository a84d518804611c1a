import ArgumentParser
import Foundation
import MIOBase
import MIOFiles
import MIOMachine
import MIORecords
import MIORun
import MIORunFolder

/// `mio prune`
struct PruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract:
            "Removes older checkpoints and logs of runs that are not at work; the newest valid checkpoint stays, and so do "
            + "the best ones and those of each so many steps that checkpoints.keep of the run's job.yaml names."
    )

    @Argument(help: ArgumentHelp("Folders, names or job files of runs.", valueName: "run"))
    var runs: [String]

    @Option(help: ArgumentHelp("How many of the newest valid checkpoints stay.", valueName: "number"))
    var keep = 1

    @Flag(help: "Whatever checkpoints.keep names besides the newest goes too.")
    var newestOnly = false

    @Flag(help: "Shows what would be removed.")
    var dryRun = false

    func validate() throws {
        guard keep >= 1 else { throw ValidationError("--keep \(keep): expected at least 1") }
    }

    func run() throws {
        guard runs.count > 1 else { return try runs.forEach(prune) }
        // A run that cannot be pruned does not keep the others.
        var first: MIOBase.ExitCode?
        for run in runs {
            do {
                try prune(run)
            } catch let error as any MIOError {
                Message.write("mio: \(error)")
                first = first ?? error.exitCode
            }
        }
        if let first { throw ArgumentParser.ExitCode(first.rawValue) }
    }

    private func prune(_ run: String) throws {
        let view = RunView(try RunArgument.folder(run))
        guard !view.isAtWork, RunDirectory.isHeld(view.folder.path) != true else {
            throw RunError(
                "\(view.folder.path.shown(most: 300)) is at work (\(view.state.text))", exitCode: .usage)
        }
        for path in try old(view) {
            try StandardStreams.print((dryRun ? "would remove " : "removed ") + path.escaped())
            if !dryRun { try Folder.remove(path) }
        }
    }

    private func old(_ view: RunView) throws -> [String] {
        let folder = view.folder
        let namesNoMore = try newestOnly || neverBegan(folder)
        let retention =
            namesNoMore
            ? CheckpointRetention(last: keep) : try CheckpointRetention(ofRunAt: folder.path, last: keep)
        var store = CheckpointStore(folder: folder.checkpointsPath, keep: retention)
        var paths = try store.superfluous()
        let newest = view.ledger?.attempts.last?.number
        if let newest, Folder.isFolder(folder.logsPath) {
            paths += try Folder.names(in: folder.logsPath).filter { name in
                name.hasPrefix("attempt-") && (Int(name.dropFirst(8)) ?? newest) < newest
            }.map { Folder.join(folder.logsPath, $0) }
        }
        return paths
    }

    /// Whether a run has neither a job nor a checkpoint: nothing says what else would stay, and nothing could. Of a run with
    /// checkpoints only its job knows.
    private func neverBegan(_ folder: RunFolder) throws -> Bool {
        guard Folder.isMissing(folder.jobPath) else { return false }
        return try Folder.isMissing(folder.checkpointsPath)
            || CheckpointStore(folder: folder.checkpointsPath, keep: 1).steps().isEmpty
    }
}
