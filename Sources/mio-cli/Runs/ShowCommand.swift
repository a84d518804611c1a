import ArgumentParser
import Foundation
import MIOBase
import MIORecords
import MIORunFolder

/// `mio show`
struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows a run: state, attempts and their ends, checkpoints, the last numbers.")

    @OptionGroup var named: RunArgument

    @Flag(help: "status.json and record.json as one JSON object.")
    var json = false

    func run() throws {
        let view = RunView(try named.folder())
        if json {
            print(try FolderJSON.line(RunDetails(view), path: view.folder.path))
        } else {
            print(RunPage(view).text, terminator: "")
        }
    }
}

/// All that the folder tells.
private struct RunDetails: Encodable {
    let path: String
    let state: String
    let status: RunStatus?
    let record: RunLedger?
    let lease: Lease?
    let problems: [String]

    init(_ view: RunView) {
        path = view.folder.path
        state = view.state.text
        status = view.status
        record = view.ledger
        lease = view.lease
        problems = view.problems
    }
}

/// A run on a page of text.
struct RunPage {
    let text: String

    init(_ view: RunView, now: Timestamp = .now) {
        var text = "\(view.name)  \(view.state.text)\n  \(view.folder.path)\n"
        if let status = view.status {
            text += "  step \(status.step), epoch \(status.epoch)" + (status.epochs.map { " of \($0)" } ?? "")
            if let ranks = status.ranks { text += ", \(counted(ranks, "rank"))" }
            text += ", attempt \(status.attempt), written \(ageText(now - status.heartbeat)) ago\n"
            if let end = status.end { text += "  \(end.cause.rawValue): \(end.text.shown(most: 500))\n" }
        }
        if let lease = view.lease, !lease.isReleased {
            text += "  supervised by \(lease.text) (\(lease.life))\n"
        }
        if let metrics = view.lastMetrics() { text += "  \(metrics.shown(most: 500))\n" }
        let steps = (try? CheckpointStore(folder: view.folder.checkpointsPath, keep: 1).steps()) ?? []
        text +=
            steps.isEmpty
            ? "  no checkpoint\n"
            : "  checkpoints of steps \(steps.map(String.init).joined(separator: ", "))\n"
        if let ledger = view.ledger {
            var table = TextTable(["  ATTEMPT", "BEGAN", "TOOK", "RANKS", "STEPS", "CAUSE", ""])
            for attempt in ledger.attempts {
                table.add([
                    "  \(attempt.number)", "\(attempt.began)",
                    ageText((attempt.ended ?? now) - attempt.began), "\(attempt.ranks)",
                    "\(attempt.fromStep.map(String.init) ?? "?")–\(attempt.toStep.map(String.init) ?? "")",
                    attempt.end?.cause.rawValue ?? "–", attempt.end?.text ?? "",
                ])
            }
            text += table.text
            if let last = ledger.attempts.last {
                text += "  $ \(last.launch.map(\.shellWord).joined(separator: " "))\n"
            }
        }
        for problem in view.problems { text += "  warning: \(problem)\n" }
        self.text = text
    }
}
