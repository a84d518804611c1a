import Foundation
import MIOBase
import MIOFiles

/// A run as its folder shows it at one moment, for those who list runs and wait for them.
package struct RunView: Sendable {
    /// What a run is at, also where nobody is left to write it down.
    package enum State: Hashable, Sendable {
        case known(RunStatus.State)
        /// `status.json` says that it works, and its processes are gone.
        case gone
        /// It works on another machine, and has not written for so many seconds by the two machines' clocks.
        case silent(seconds: Int)
        /// A folder of an earlier mio, without `status.json`.
        case untold

        package var text: String {
            switch self {
            case .known(let state): state.rawValue
            case .gone: "gone"
            case .silent(let seconds): "silent \(seconds) s"
            case .untold: "untold"
            }
        }
    }

    package let folder: RunFolder
    package let status: RunStatus?
    package let ledger: RunLedger?
    package let lease: Lease?
    /// Of a run that was submitted to a daemon.
    package let submission: Submission?
    /// What Slurm last said about the job of a run that a daemon gave to it.
    package let batch: BatchState?
    package let state: State
    /// Files of the folder that cannot be read, one sentence each.
    package let problems: [String]

    private static let silentSeconds = 60.0

    package init(_ folder: RunFolder, now: Timestamp = .now) {
        self.folder = folder
        var problems: [String] = []
        func read<Value>(_ body: () throws -> Value?) -> Value? {
            do { return try body() } catch {
                problems.append("\(error)")
                return nil
            }
        }
        status = read { try folder.status() }
        ledger = read { try folder.ledger() }
        lease = read { try folder.lease() }
        submission = read { try folder.submission() }
        batch = read { try folder.batchState() }
        self.problems = problems
        state = Self.state(status, lease, submission, batch?.verdict(status, lease), now)
    }

    private static func state(
        _ status: RunStatus?, _ lease: Lease?, _ submission: Submission?, _ verdict: BatchState.Verdict?,
        _ now: Timestamp
    ) -> State {
        if let submission {
            if submission.isWaiting(lease) { return .known(.waiting) }
            switch verdict {
            case .waits: return .known(.waiting)
            case .isOver: return .gone
            case nil: break
            }
            if submission.isLost(lease, status), status?.writer.isAlive != true { return .gone }
            if lease?.life != .live, let end = submission.end(after: lease, status) {
                return .known(end.isStop ? .stopped : .failed)
            }
        }
        guard let status else { return .untold }
        let supervisor = lease.map(\.life)
        // Its ranks have ended; whoever looks after them says so soon, or goes on.
        if status.state == .stopped || status.state == .failed, supervisor == .live {
            return .known(.stopping)
        }
        if status.state.isEnd || status.state == .waiting { return .known(status.state) }
        if supervisor == .live || status.writer.isAlive == true { return .known(status.state) }
        if status.writer.isAlive == false, supervisor != .unknown { return .gone }
        let latest = max(status.heartbeat, lease?.heartbeat ?? status.heartbeat)
        let seconds = now - latest
        return seconds > silentSeconds ? .silent(seconds: Int(seconds)) : .known(status.state)
    }

    /// How the run ended, as its worker, its supervisor or the daemon says; `nil` while nobody does.
    package var end: (exitCode: Int?, text: String)? {
        if let end = submission?.end(after: lease, status) { return (end.exitCode, end.text) }
        return status?.end.map { ($0.exitCode, $0.text) }
    }

    /// Whether something is at work, as far as it can be told.
    package var isAtWork: Bool {
        switch state {
        case .known(let state): !state.isEnd && state != .waiting
        case .silent: true
        case .gone, .untold: false
        }
    }

    /// Whether nothing more comes of it by itself, as far as it can be told.
    package var isOver: Bool { !isAtWork && state != .known(.waiting) }

    package var name: String { ledger?.name ?? Folder.name(of: folder.path) }

    /// The last line of `metrics.jsonl` that is whole; `nil` if there is none.
    package func lastMetrics() -> String? {
        guard let file = try? OpenFile(folder.metricsPath, .reading), let size = try? file.size(), size > 0
        else {
            return nil
        }
        let start = max(0, size - 65536)
        guard let bytes = try? OpenFile.contents(of: folder.metricsPath, from: start, atMost: 1 << 17) else {
            return nil
        }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        lines.removeLast()
        return lines.last { $0.first == UInt8(ascii: "{") }.map { String(decoding: $0, as: UTF8.self) }
    }
}
