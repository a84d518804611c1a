import ArgumentParser
import Foundation
import MIOBase
import MIOLaunch
import MIOMachine
import MIORecords
import MIORun
import MIORunFolder
import MIOSupervision

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
            try StandardStreams.print(FolderJSON.line(RunDetails(view), path: view.folder.path))
        } else {
            try StandardStreams.print(RunPage(view).text, terminator: "")
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
    let submission: Submission?
    let batch: BatchState?
    let problems: [String]

    init(_ view: RunView) {
        path = view.folder.path
        state = view.state.text
        status = view.status
        record = view.ledger
        lease = view.lease
        submission = view.submission
        batch = view.batch
        problems = view.problems
    }
}

/// A run on a page of text.
struct RunPage {
    let text: String

    init(_ view: RunView, now: Timestamp = .now) {
        // Each text of others stays on its line.
        var text =
            "\(view.name.shown(most: 300))  \(view.state.text)\n  \(view.folder.path.shown(most: 4096))\n"
        if let status = view.status {
            text += "  step \(status.step), epoch \(status.epoch)" + (status.epochs.map { " of \($0)" } ?? "")
            if let ranks = status.ranks { text += ", \(counted(ranks, "rank"))" }
            text += ", attempt \(status.attempt), written \(ageText(now - status.heartbeat)) ago\n"
        }
        if let end = view.status?.end {
            text += "  \(end.cause.rawValue): \(end.text.shown(most: 500))\n"
        }
        // Of a request that led to no attempt.
        if let end = view.submission?.end(after: view.lease, view.status) {
            text += "  \(end.text.shownMessage().replacing("\n", with: "\n    "))\n"
        }
        if let batch = view.batch { text += Self.line(batch, now) }
        if let lease = view.lease, !lease.isReleased {
            text += "  supervised by \(lease.text.shown(most: 300)) (\(lease.life))\n"
            if lease.life == .live { text += Self.ranks(lease, view.ledger) }
        }
        if let metrics = view.lastMetrics() { text += "  \(metrics.shown(most: 500))\n" }
        text += Self.checkpoints(view.folder)
        if let seconds = view.status?.checkpointSeconds, view.status?.state.isEnd == false {
            text += "  a checkpoint every \(durationText(seconds))\n"
        }
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
                text += "  $ \(last.launch.map(\.shellWord).joined(separator: " ").escaped())\n"
            }
        }
        for problem in view.problems {
            text += "  warning: \(problem.shownMessage(keepsNewlines: false))\n"
        }
        self.text = text
    }

    /// What the ranks are at, of a run on this machine: `ranks 0-2: step 813, waiting for the other ranks`.
    private static func ranks(_ lease: Lease, _ ledger: RunLedger?) -> String {
        guard let path = lease.board, let board = try? ProgressBoard(opening: path) else { return "" }
        let names = RunNames(ledger, attempt: lease.attempt)
        var lines = FoldedLines()
        for rank in 0..<board.ranks {
            guard let entry = board.entry(of: rank) else { continue }
            let sight = RankSight(rank: rank, entry: entry, processState: nil, stillSeconds: 0)
            let place = names.shard(of: sight).map { "reading \($0.shown(most: 300))" } ?? entry.phase.text
            lines.add(Array("step \(entry.stepsDone + 1), \(place)".utf8), rank: rank)
        }
        var text = ""
        while let entry = lines.take() {
            text +=
                "  \(FoldedLines.text(entry.ranks)): \(String(decoding: entry.line, as: UTF8.self))\n"
        }
        return text
    }

    /// `job 1234 of Slurm: PENDING (Priority), as of 40 s ago`
    private static func line(_ batch: BatchState, _ now: Timestamp) -> String {
        var text = "  job \(batch.job.map { $0.shown() + " " } ?? "")of Slurm: \(batch.text.shown(most: 300))"
        if batch.isWaiting, let start = batch.start { text += ", expected to begin at \(start)" }
        if !batch.isWaiting, let nodes = batch.nodes { text += " on \(nodes.shown())" }
        return text + ", as of \(ageText(now - batch.seen)) ago\n"
    }

    /// `checkpoints of steps 60, 48 (val_loss 0.213, the best), 30`
    private static func checkpoints(_ folder: RunFolder) -> String {
        let retention = (try? CheckpointRetention(ofRunAt: folder.path)) ?? 1
        let store = CheckpointStore(folder: folder.checkpointsPath, keep: retention)
        guard let steps = try? store.steps(), !steps.isEmpty else { return "  no checkpoint\n" }
        let best = (try? store.bestSteps()) ?? []
        let texts = steps.map { step in
            guard let place = best.firstIndex(where: { $0.step == step }) else { return "\(step)" }
            let rank = place == 0 ? "the best" : "no. \(place + 1)"
            return "\(step) (\(retention.monitor.shown(most: 100)) \(shortText(best[place].value)), \(rank))"
        }
        return "  checkpoints of steps \(texts.joined(separator: ", "))\n"
    }
}
