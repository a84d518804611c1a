import ArgumentParser
import Foundation
import MIOBase
import MIOFiles
import MIOMachine
import MIORunFolder

/// `mio runs`
struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "Lists the runs in a folder and below it, newest first.")

    @Argument(help: ArgumentHelp("Where to look.", valueName: "folder"), completion: .directory)
    var folder = "."

    @Flag(help: "One JSON object a line.")
    var json = false

    func run() throws {
        let path = URL(fileURLWithPath: folder).standardizedFileURL.path
        guard Folder.mayBeFolder(path) else {
            throw RunError(
                "\(path.shown(most: 300)): no such folder; expected one with runs in it or below it",
                exitCode: .missingInput)
        }
        // One that cannot be read has no runs to show either, but for another reason.
        _ = try Folder.names(in: path)
        let views = RunFolder.runs(below: path).map { RunView($0) }.sorted {
            let (first, second) = (
                $0.status?.heartbeat.milliseconds ?? 0, $1.status?.heartbeat.milliseconds ?? 0
            )
            return (second, $0.folder.path) < (first, $1.folder.path)
        }
        if json {
            for view in views {
                try StandardStreams.print(FolderJSON.line(RunSummary(view), path: view.folder.path))
            }
            return
        }
        var table = TextTable([
            "NAME", "STATE", "STEP", "EPOCH", "RANKS", "ATTEMPT", "WRITTEN", "CAUSE", "FOLDER",
        ])
        for view in views {
            let status = view.status
            table.add([
                view.name, view.state.text, status.map { "\($0.step)" } ?? "–",
                status.map { "\($0.epoch)" + ($0.epochs.map { "/\($0)" } ?? "") } ?? "–",
                status?.ranks.map(String.init) ?? "–", status.map { "\($0.attempt)" } ?? "–",
                status.map { ageText(Timestamp.now - $0.heartbeat) + " ago" } ?? "–",
                Self.cause(view), view.folder.path,
            ])
        }
        try StandardStreams.print(
            views.isEmpty ? "no runs below \(path.shown(most: 300))" : table.text,
            terminator: views.isEmpty ? "\n" : "")
    }

    /// Why it ended, or what it waits for.
    private static func cause(_ view: RunView) -> String {
        if view.state == .known(.waiting), let batch = view.batch { return batch.text }
        return view.status?.end?.cause.rawValue ?? "–"
    }
}

/// What lists and scripts need of a run.
struct RunSummary: Encodable {
    let path: String
    let name: String
    let state: String
    let id: String?
    let status: RunStatus?
    let batch: BatchState?

    init(_ view: RunView) {
        path = view.folder.path
        name = view.name
        state = view.state.text
        id = view.ledger?.id
        status = view.status
        batch = view.batch
    }
}
