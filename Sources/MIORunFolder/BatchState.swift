import MIOBase
import MIOFiles

/// The file `batch.json` of a run that a daemon gave to Slurm: what Slurm last said about the run's job.
///
/// The daemon asks about all jobs at once and seldom, so this may be some minutes old: `seen` says how old.
package struct BatchState: Codable, Hashable, Sendable {
    package static let name = "batch.json"

    /// The job's number; `nil` while Slurm has not taken the job yet.
    package var job: String?
    /// Slurm's own word, as `PENDING`, or one of the two below.
    package var state: String
    /// Why it waits, or why it ended: `Priority`, `Resources`, `TimeLimit`.
    package var reason: String?
    /// When it began, or is expected to begin.
    package var start: Timestamp?
    /// Slurm's list of nodes, as `node[1-4]`.
    package var nodes: String?
    /// When Slurm said so.
    package var seen: Timestamp

    /// The daemon tries to give the job to Slurm.
    package static let submitting = "SUBMITTING"
    /// Slurm knows the job no more.
    package static let forgotten = "FORGOTTEN"

    package init(
        job: String?, state: String, reason: String? = nil, start: Timestamp? = nil, nodes: String? = nil,
        seen: Timestamp = .now
    ) {
        self.job = job
        self.state = state
        self.reason = reason
        self.start = start
        self.nodes = nodes
        self.seen = seen
    }

    private static let waitingStates: Set<String> = [
        submitting, "PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT",
    ]
    /// Those after which no process of the job is left.
    package static let finalStates: Set<String> = [
        forgotten, "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
        "PREEMPTED", "REVOKED", "TIMEOUT",
    ]

    /// Whether the job is in the queue: before its begin, or again.
    package var isWaiting: Bool { Self.waitingStates.contains(state) }
    /// Whether no process of the job is left.
    package var isOver: Bool { Self.finalStates.contains(state) }

    /// `PENDING (Priority)`
    package var text: String {
        reason.map { "\(state.shown()) (\($0.shown(most: 300)))" } ?? state.shown()
    }

    /// Whether another one says the same, at another time.
    package func says(_ other: Self) -> Bool {
        var other = other
        other.seen = seen
        return self == other
    }

    /// What Slurm knows better than the run's own files, which processes write that may be gone.
    package enum Verdict: Hashable, Sendable {
        /// The job is in the queue again, after a time limit or a lost node.
        case waits
        /// The job is over, and whoever had the run has not given it up.
        case isOver
    }

    /// - Returns: `nil` where the run's files are newer, or of another job.
    package func verdict(_ status: RunStatus?, _ lease: Lease?) -> Verdict? {
        guard let job, let lease, lease.batchJob?.number == job,
            seen > max(lease.heartbeat, status?.heartbeat ?? lease.heartbeat)
        else { return nil }
        if isWaiting { return status?.state == .finished ? nil : .waits }
        guard isOver, !lease.isReleased || status?.state.isEnd != true else { return nil }
        return status?.state == .finished ? nil : .isOver
    }
}

extension RunFolder {
    /// - Returns: `nil` for a run that no daemon gave to Slurm.
    package func batchState() throws(FileError) -> BatchState? {
        try FolderJSON.read(BatchState.self, from: Folder.join(path, BatchState.name))
    }
}
