import Foundation
import MIOBase
import MIOFiles
import MIOSystem

/// The folder of a run, as its supervisor, commands and a daemon see it. A value: it holds nothing and locks nothing.
package struct RunFolder: Hashable, Sendable {
    package let path: String

    /// Touches nothing on the disk.
    package init(_ path: String) { self.path = path }

    /// A folder is a run's if one of these is in it. Runs of mio 0.1 have no `status.json`.
    package var isRun: Bool {
        Folder.exists(statusPath) || Folder.exists(ledgerPath)
            || Folder.exists(jobPath) && Folder.isFolder(checkpointsPath)
    }

    package var jobPath: String { Folder.join(path, "job.yaml") }
    /// Of a `JobCopy`.
    package var jobCopyPath: String { Folder.join(path, "job.asked.yaml") }
    package var metricsPath: String { Folder.join(path, "metrics.jsonl") }
    package var checkpointsPath: String { Folder.join(path, "checkpoints") }
    package var statusPath: String { Folder.join(path, "status.json") }
    package var ledgerPath: String { Folder.join(path, "record.json") }
    package var eventsPath: String { Folder.join(path, "events.jsonl") }
    package var leasePath: String { Folder.join(path, "lease") }
    package var controlPath: String { Folder.join(path, "control") }
    package var logsPath: String { Folder.join(path, "logs") }

    package func logsPath(attempt: Int) -> String { Folder.join(logsPath, "attempt-\(attempt)") }
    package func logPath(attempt: Int, rank: Int) -> String {
        Folder.join(logsPath(attempt: attempt), "rank-\(rank).log")
    }

    package var events: EventLog { EventLog(path: eventsPath) }

    /// - Returns: `nil` if there is none yet.
    package func status() throws(FileError) -> RunStatus? {
        try FolderJSON.read(RunStatus.self, from: statusPath)
    }

    package func write(_ status: RunStatus) throws(FileError) { try FolderJSON.write(status, to: statusPath) }

    /// - Returns: `nil` if there is none yet.
    /// - Throws: `FileError`, also where a newer mio wrote it.
    package func ledger() throws(FileError) -> RunLedger? {
        guard let ledger = try FolderJSON.read(RunLedger.self, from: ledgerPath) else { return nil }
        guard ledger.format <= RunLedger.newestFormat else {
            throw FileError(
                action: "read", path: ledgerPath,
                reason: "written in format \(ledger.format); this mio reads formats up to "
                    + "\(RunLedger.newestFormat): upgrade mio", exitCode: .badInput)
        }
        return ledger
    }

    package func write(_ ledger: RunLedger) throws(FileError) { try FolderJSON.write(ledger, to: ledgerPath) }

    // MARK: Requests

    /// Leaves a request for the run; it replaces one that was not obeyed yet.
    package func request(_ request: ControlRequest) throws(FileError) {
        try FolderJSON.write(request, to: controlPath)
    }

    /// - Returns: `nil` if nobody asks for anything.
    package func request() throws(FileError) -> ControlRequest? {
        try FolderJSON.read(ControlRequest.self, from: controlPath)
    }

    /// Removes a request that was obeyed; one that came since stays.
    package func removeRequest(_ obeyed: ControlRequest) throws(FileError) {
        guard try request()?.id == obeyed.id else { return }
        try Folder.remove(controlPath)
    }

    // MARK: Runs below a folder

    /// The runs in a folder and below it. Folders inside a run, hidden ones and links are not entered.
    /// - Parameter depth: how many folders deep to look.
    package static func runs(below path: String, depth: Int = 6) -> [RunFolder] {
        let folder = RunFolder(path)
        if folder.isRun { return [folder] }
        guard depth > 0, let names = try? Folder.names(in: path) else { return [] }
        return names.filter { !$0.hasPrefix(".") }.flatMap { name -> [RunFolder] in
            let below = Folder.join(path, name)
            return isOwnFolder(below) ? runs(below: below, depth: depth - 1) : []
        }
    }
}

/// Whether the path is a folder itself, and no link to one.
private func isOwnFolder(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}
