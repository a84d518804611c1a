import Foundation
import MIOBase
import MIOFiles
import MIORunFolder

/// What a run's folder tells of the run, its numbers apart.
package struct RunFacts: Sendable {
    /// Files that only runs have.
    static let marks = ["status.json", "record.json", Submission.name]

    package var name: String
    /// What addresses it in the API.
    package var key: String
    /// A `RunStatus.State`, or `lost`: it says that it runs, and no process of it is left.
    package var state: String
    /// An `EndCause`.
    package var cause: String?
    package var attempt = 0
    package var ranks: Int?
    package var step = 0
    package var status: RunStatus?
    package var lease: Lease?
    package var submission: Submission?
    /// What Slurm last said about the run's job.
    package var batch: BatchState?
    /// Seconds since 1970; `nil` if the folder does not say.
    package var created: Int?

    /// States that change without a change of the index's asking: their files are read each time.
    static let activeStates: Set<String> = ["waiting", "starting", "running", "stopping", "restarting"]
    private static let largestFile = 4 << 20

    /// Changes when one of the files changes that the facts come from, except for the lease, which beats.
    /// - Returns: also when the newest of them changed that the run writes itself, in nanoseconds since 1970.
    static func stamp(_ folder: borrowing ConfinedFolder) -> (text: String, modified: Int) {
        var text = ""
        var newest = 0
        for name in marks + [BatchState.name, "job.yaml", "model.safetensors"] {
            guard let status = folder.status(name) else {
                text += "- "
                continue
            }
            text += "\(status.inode).\(status.modified).\(status.size) "
            if name != BatchState.name { newest = max(newest, status.modified) }
        }
        return (text, newest)
    }

    /// Reads the files that are there; one that cannot be read counts as missing.
    package init(_ folder: borrowing ConfinedFolder) {
        status = Self.read(RunStatus.self, "status.json", folder)
        lease = Self.read(Lease.self, "lease", folder)
        submission = Self.read(Submission.self, Submission.name, folder)
        batch = Self.read(BatchState.self, BatchState.name, folder)
        let ledger = Self.read(RunLedger.self, "record.json", folder)
        name = ledger?.name ?? submission?.name ?? Folder.name(of: folder.path)
        key = submission?.id ?? Self.key(ofPath: folder.path)
        created = (submission?.time ?? ledger?.created).map { Int($0.seconds) }
        defer { applySubmission() }
        guard let status else {
            // Of mio 0.1, which wrote the finished model last.
            let isFinished = folder.status("model.safetensors") != nil
            state = isFinished ? "finished" : "unknown"
            return
        }
        attempt = max(status.attempt, lease?.attempt ?? 0)
        ranks = status.ranks ?? submission?.ranks
        step = status.step
        cause = status.end?.cause.rawValue
        state = status.state.rawValue
        if status.state != .waiting, !status.state.isEnd, status.state != .unknown,
            lease.map({ $0.life == .gone }) ?? true, status.writer.isAlive == false
        {
            state = "lost"
        }
        guard status.state == .stopped || status.state == .failed, let lease, !lease.isReleased else {
            return
        }
        // Its ranks have ended, and whoever looks after them says so soon, or was killed and is not gone yet.
        if status.state == .stopped, lease.life != .gone { state = RunStatus.State.stopping.rawValue }
        // Its ranks have ended by themselves, when their supervisor was gone.
        if isLost { state = "lost" }
    }

    /// A request that no supervisor has taken yet, or never will, says more than what is left of the attempt before.
    private mutating func applySubmission() {
        guard let submission, !isSupervised else { return }
        if submission.isWaiting(lease) {
            state = RunStatus.State.waiting.rawValue
            return
        }
        switch verdict {
        case .waits:
            state = RunStatus.State.waiting.rawValue
            cause = nil
            return
        case .isOver:
            state = "lost"
            return
        case nil: break
        }
        guard let end = submission.end(after: lease, status) else { return }
        state = (end.isStop ? RunStatus.State.stopped : .failed).rawValue
        cause = end.isStop ? EndCause.stoppedByUser.rawValue : nil
    }

    /// Whether the supervisor of a run that was submitted was ended before it could give the run up.
    package var isLost: Bool { submission?.isLost(lease, status) ?? false }

    /// Whether a supervisor has the run.
    package var isSupervised: Bool {
        guard let lease, lease.life != .gone, verdict == nil else { return false }
        // Another job is asked for only where Slurm has said that the one before is over.
        return submission?.isOfEarlierJob(lease) != true
    }

    private var verdict: BatchState.Verdict? { batch?.verdict(status, lease) }

    private static func read<Value: Decodable>(
        _ type: Value.Type, _ name: String, _ folder: borrowing ConfinedFolder
    ) -> Value? {
        guard let bytes = try? folder.contents(name, atMost: largestFile) else { return nil }
        return try? JSONDecoder().decode(type, from: Data(bytes))
    }

    /// The run's name and eight digits of its path: the same after each rebuild.
    static func key(ofPath path: String) -> String {
        // FNV-1a.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in path.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String((hash >> 32) ^ (hash & 0xFFFF_FFFF), radix: 16)
        let name = Folder.name(of: path).lowercased().map { character in
            character.isASCII
                && (character.isLetter || character.isNumber || character == "-" || character == "_")
                ? character : "-"
        }
        return String(name.prefix(40)) + "-" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
