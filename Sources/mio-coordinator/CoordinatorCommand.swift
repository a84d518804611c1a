import ArgumentParser
import Foundation
import MIOBase
import MIODaemonClient
import MIOFiles
import MIORunIndex

/// `mio-coordinator`: the daemon of runs.
struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mio-coordinator",
        abstract: "Shows runs and starts them. Runs go on without it.",
        discussion: """
            Everything that it knows comes from the runs' folders: it can be stopped, killed and updated at any time, \
            and its index can be made anew.

            Exit codes: 0 ended on request, 64 usage, 66 input missing, 74 reading or writing failed.
            """,
        subcommands: [ServeCommand.self, LinkCommand.self, ReindexCommand.self])

    /// Ends the process: with the contract's exit code and one line where something failed.
    static func runAndExit() -> Never {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
            endProcess(0)
        } catch let error as any MIOError {
            try? FileHandle.standardError.write(
                contentsOf: Data("mio-coordinator: \(error.description.shownMessage())\n".utf8))
            endProcess(error.exitCode.rawValue)
        } catch {
            exit(withError: error)
        }
    }
}

/// Which runs, and where the index is.
struct IndexOptions: ParsableArguments {
    @Option(
        name: .customLong("runs"),
        help: ArgumentHelp(
            "A folder with runs in it or below it; repeat it for several. Nothing outside is ever read.",
            valueName: "folder"))
    var roots: [String] = []

    @Option(
        help: ArgumentHelp(
            "The index, on a local disk (default: \(DaemonPlaces.stateFolder())/runs.sqlite).",
            valueName: "file"))
    var index: String?

    func validate() throws {
        guard !roots.isEmpty else { throw ValidationError("name at least one folder with --runs") }
    }

    func open(discards: Bool) throws -> RunIndex {
        try RunIndex(path: try place(), roots: roots, discards: discards)
    }

    private func place() throws -> String {
        if let index { return index }
        let state = DaemonPlaces.stateFolder()
        try DaemonPlaces.createPrivate(state)
        let isRemote = NetworkFileSystem.holding(state) != nil
        if isRemote { try DaemonPlaces.createPrivate(DaemonPlaces.localFolder) }
        return Folder.join(isRemote ? DaemonPlaces.localFolder : state, "runs.sqlite")
    }
}

/// `mio-coordinator reindex`
struct ReindexCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reindex",
        abstract: "Makes the index anew from the runs' folders.",
        discussion: "The daemon must not run. It does the same by itself if it finds its index damaged.")

    @OptionGroup var options: IndexOptions

    func run() throws {
        let index = try options.open(discards: true)
        try index.scan()
        let counted = index.counted
        print(
            "\(counted.examinedRuns) runs, \(counted.lines) lines of metrics, \(counted.listedFolders) folders looked through"
        )
    }
}
