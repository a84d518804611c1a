import ArgumentParser
import Foundation
import MIOBase
import MIOConfig
import MIOJob
import MIOMachine
import MIORun
import MIORunFolder

/// `mio compare`
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compares two runs: what differs in job, data and versions, and the last numbers.")

    @Argument(help: ArgumentHelp("Folder, name or job file of a run.", valueName: "run"))
    var first: String

    @Argument(help: ArgumentHelp("Folder, name or job file of the other.", valueName: "other"))
    var second: String

    func run() throws {
        let views = try [first, second].map { RunView(try RunArgument.folder($0)) }
        let isNamesake = views[0].name == views[1].name
        var table = TextTable([""] + views.map { isNamesake ? $0.folder.path : $0.name })
        let jobs = try views.map { try Self.entries(of: $0) }
        var paths = jobs[0].map(\.path)
        for entry in jobs[1] where !paths.contains(entry.path) { paths.append(entry.path) }
        let values = jobs.map { Dictionary($0.map { ($0.path, $0.value) }) { first, _ in first } }
        for path in paths where values[0][path] != values[1][path] {
            table.add([path, values[0][path] ?? "–", values[1][path] ?? "–"])
        }
        for (name, value) in Self.facts {
            let both = views.map(value)
            if both[0] != both[1] { table.add([name, both[0], both[1]]) }
        }
        let last = views.map { Self.numbers($0.lastMetrics()) }
        for name in last[0].map(\.name) {
            guard let other = last[1].first(where: { $0.name == name }),
                let own = last[0].first(where: { $0.name == name })
            else { continue }
            table.add([name, own.value, other.value])
        }
        try StandardStreams.print(table.text, terminator: "")
    }

    private static let facts: [(String, @Sendable (RunView) -> String)] = [
        ("mio", { $0.ledger?.mioVersion ?? "–" }),
        ("ranks", { $0.status?.ranks.map(String.init) ?? "–" }),
        (
            "data",
            { view in
                view.ledger.map { $0.data.map { $0.crc32 ?? "\($0.size)" }.joined(separator: " ") } ?? "–"
            }
        ),
        ("state", { $0.state.text }),
        ("step", { $0.status.map { "\($0.step)" } ?? "–" }),
        ("attempts", { $0.ledger.map { "\($0.attempts.count)" } ?? "–" }),
    ]

    /// Keys that always differ.
    private static let ignored = ["name", "run_directory"]

    /// Every value of the resolved job with its path.
    private static func entries(of view: RunView) throws -> [(path: String, value: String)] {
        let text = try RunRecord.text(of: view.folder.path)
        let job = try Job(yaml: text, folder: view.folder.path, file: view.folder.jobPath)
        guard case .dictionary(let entries) = job.resolved else { return [] }
        return entries.entries.filter { !ignored.contains($0.key) }.flatMap { leaves($0.value, at: $0.key) }
    }

    private static func leaves(_ value: ConfigValue, at path: String) -> [(path: String, value: String)] {
        switch value {
        case .dictionary(let entries) where !entries.isEmpty:
            entries.entries.flatMap { leaves($0.value, at: path + "." + $0.key) }
        case .list(let values)
        where values.contains(where: { if case .dictionary = $0 { true } else { false } }):
            values.enumerated().flatMap { leaves($1, at: "\(path)[\($0)]") }
        default: [(path, value.json())]
        }
    }

    private static func numbers(_ line: String?) -> [(name: String, value: String)] {
        guard let line, let value = try? ConfigValue(orderedJSON: Array(line.utf8)),
            case .dictionary(let entries) = value
        else { return [] }
        return entries.entries.map { ($0.key, $0.value.json()) }
    }
}
