import ArgumentParser
import Foundation
import MIOBase
import MIOConfig
import MIOFiles
import MIOFormats
import MIOJob
import MIOMachine
import MIORecords
import MIORun
import MIORunFolder

/// `mio verify`
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Looks whether a run's checkpoints and data are still what they were; exit code 65 if not.")

    @OptionGroup var named: RunArgument

    func run() throws {
        let view = RunView(try named.folder())
        var problems = view.problems
        var good = 0
        for step in try CheckpointStore(folder: view.folder.checkpointsPath, keep: 1).steps() {
            let path = Folder.join(view.folder.checkpointsPath, CheckpointStore.name(step: step))
            do {
                _ = try StoredCheckpoint(path: path)
                good += 1
            } catch { problems.append("\(error)") }
        }
        try StandardStreams.print("\(counted(good, "checkpoint")) whole")
        let files = view.ledger?.data ?? []
        for file in files {
            let parts = Self.parts(of: file.path)
            do {
                let size = try parts.reduce(0) { try $0 + OpenFile($1, .reading).size() }
                if size != file.size {
                    problems.append(
                        "\(file.path.shown(most: 300)): expected \(file.size) bytes, found \(size)")
                }
            } catch {
                problems.append(
                    parts.contains(where: Folder.isMissing)
                        ? "\(file.path.shown(most: 300)): missing" : "\(error)")
            }
        }
        problems += try checksumProblems(view)
        try StandardStreams.print("\(counted(files.count, "file")) of data compared")
        if view.status?.state == .finished,
            Folder.isMissing(Folder.join(view.folder.path, "model.safetensors"))
        {
            problems.append(
                "\(view.folder.path.shown(most: 300)): finished, but model.safetensors is missing")
        }
        for problem in problems {
            try StandardStreams.print("problem: \(problem.shownMessage(keepsNewlines: false))")
        }
        guard problems.isEmpty else { throw ExitCode(MIOBase.ExitCode.badInput.rawValue) }
    }

    /// The files that a shard's path stands for: some arrays have files of their own, and their paths are joined by `+`, which a
    /// name may have as well.
    static func parts(of path: String) -> [String] {
        guard Folder.isMissing(path) else { return [path] }
        return path.replacing("+/", with: "\n/").split(separator: "\n").map(String.init)
    }

    /// Opens the job's data as a run does, and compares what its arrays' checksums add up to.
    private func checksumProblems(_ view: RunView) throws -> [String] {
        guard let ledger = view.ledger, ledger.data.contains(where: { $0.crc32 != nil }) else { return [] }
        let text = try RunRecord.text(of: view.folder.path)
        let job = try Job(yaml: text, folder: view.folder.path, file: view.folder.jobPath)
        let now: [RunLedger.DataFile]
        do { now = try RunData.files(of: job) } catch { return ["\(error)"] }
        return ledger.data.compactMap { file in
            guard let other = now.first(where: { $0.source == file.source && $0.path == file.path }) else {
                return "\(file.path.shown(most: 300)): the job does not read it any more"
            }
            return other.crc32 == file.crc32 && other.rows == file.rows
                ? nil : "\(file.path.shown(most: 300)): its arrays are not those of the run"
        }
    }
}
