import ArgumentParser
import Foundation
import MIOBase
import MIOFiles
import MIOLaunch
import MIOMachine
import MIORunFolder
import MIOSystem

/// `mio logs`
struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Prints what the ranks of an attempt wrote; lines that several ranks have once.")

    @OptionGroup var named: RunArgument

    @Option(help: "The attempt; the newest if left out.")
    var attempt: Int?

    @Option(help: "One rank's log alone.")
    var rank: Int?

    @Flag(name: .shortAndLong, help: "Goes on until the run ends.")
    var follow = false

    func run() throws {
        let folder = try named.folder()
        if follow { return try followLog(folder) }
        let number = try attempt ?? newest(folder)
        var folded = FoldedLines()
        var several: Set<Int> = []
        for rank in try ranks(folder, number) {
            for line in try lines(folder, number, rank) {
                folded.add(Array(line.utf8), rank: rank)
                several.insert(rank)
            }
        }
        while let entry = folded.take() {
            let line = String(decoding: entry.line, as: UTF8.self)
            try StandardStreams.print(several.count > 1 ? "[\(FoldedLines.text(entry.ranks))] \(line)" : line)
        }
    }

    private func newest(_ folder: RunFolder) throws -> Int {
        let names = Folder.isFolder(folder.logsPath) ? try Folder.names(in: folder.logsPath) : []
        guard let newest = names.compactMap({ $0.hasPrefix("attempt-") ? Int($0.dropFirst(8)) : nil }).max()
        else {
            let supervisor = Folder.join(folder.logsPath, "supervisor.log")
            throw RunError(
                Folder.exists(supervisor)
                    ? "\(folder.path.shown(most: 300)): no rank has begun; what the run's supervisor wrote is in "
                        + supervisor.shown(most: 300)
                    : "\(folder.path.shown(most: 300)) has no logs; mio train keeps them, mpirun alone does not",
                exitCode: .missingInput)
        }
        return newest
    }

    private func ranks(_ folder: RunFolder, _ attempt: Int) throws -> [Int] {
        if let rank { return [rank] }
        return try Folder.names(in: folder.logsPath(attempt: attempt)).compactMap { name in
            name.hasPrefix("rank-") && name.hasSuffix(".log") ? Int(name.dropFirst(5).dropLast(4)) : nil
        }.sorted()
    }

    private static let largestLog = 1 << 24

    private func lines(_ folder: RunFolder, _ attempt: Int, _ rank: Int) throws -> [String] {
        let head = folder.logPath(attempt: attempt, rank: rank)
        var bytes = try OpenFile.contents(of: head, atMost: Self.largestLog)
        let stem = head.dropLast(4)
        let parts = ["\(stem).tail-1.log", "\(stem).tail.log"].filter { Folder.exists($0) }
        if !parts.isEmpty { bytes += Array("… (left out) …\n".utf8) }
        for part in parts { bytes += try OpenFile.contents(of: part, atMost: Self.largestLog) }
        return FollowedLog.lines(bytes[...]).split(separator: "\n").map(String.init)
    }

    /// Rank 0's, or the one that was asked for, of this attempt and those that follow.
    private func followLog(_ folder: RunFolder) throws {
        // A run that waits has no log yet.
        while RunView(folder).state == .known(.waiting), (try? newest(folder)) == nil { usleep(300_000) }
        var number = try attempt ?? newest(folder)
        try verify(folder, number)
        var log = FollowedLog(folder.logPath(attempt: number, rank: rank ?? 0))
        while true {
            let isOver = RunView(folder).isOver
            // The next attempt begins when this one has ended.
            let newer = attempt == nil ? try? newest(folder) : number
            let hasNext = newer.map { $0 > number } ?? false
            let text = try log.new(isLast: isOver || hasNext)
            if !text.isEmpty { try StandardStreams.print(text, terminator: "") }
            if hasNext, let newer {
                number = newer
                log = FollowedLog(folder.logPath(attempt: number, rank: rank ?? 0))
                continue
            }
            if isOver { return }
            usleep(300_000)
        }
    }

    /// - Throws: `RunError` if the attempt, or the rank, is none of the run's.
    private func verify(_ folder: RunFolder, _ number: Int) throws {
        guard let attempts = RunView(folder).ledger?.attempts, let last = attempts.last else { return }
        guard let known = attempts.first(where: { $0.number == number }) else {
            // It may begin in this moment.
            if number > last.number, attempt == nil { return }
            throw RunError(
                "\(folder.path.shown(most: 300)) has no attempt \(number); its attempts are 1 to \(last.number)",
                exitCode: .missingInput)
        }
        if let rank, !(0..<known.ranks).contains(rank) {
            throw RunError(
                "attempt \(number) has no rank \(rank); its ranks are 0 to \(known.ranks - 1)",
                exitCode: .missingInput)
        }
    }
}
