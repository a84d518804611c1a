import Foundation
import MIOBase
import MIOJob
import MIORunFolder

/// What is sent: one event of a run, as JSON with these names. Keys that have no value are left out.
package struct NotificationMessage: Codable, Hashable, Sendable {
    /// Grows when a key changes its meaning or goes; a further key leaves it as it is.
    package static let newestSchema = 1

    package var schema = newestSchema
    /// Of the event: the same however often it is sent.
    package var id: String
    package var time: Timestamp
    /// As `on` of the job names it; `test` for a test.
    package var event: String
    /// A sentence for a person.
    package var text: String
    /// The run's name.
    package var run: String
    /// `id` of `record.json`.
    package var runID: String?
    package var folder: String
    /// Where the supervisor is.
    package var host: String
    package var user: String?
    /// As `status.json` has them.
    package var state: String?
    package var attempt: Int?
    package var step: Int?
    package var epoch: Int?
    package var epochs: Int?
    package var checkpoint: Int?
    /// The losses and metrics logged last.
    package var metrics: [String: Double]?
    /// Of the end that the event is about: `EndCause`, and what `RunEnd` tells.
    package var cause: String?
    package var exitCode: Int?
    package var signal: Int?
    package var rank: Int?
    /// Events of the same kind since the one that was sent last, which were left out.
    package var omitted: Int?
    package var mioVersion: String?

    enum CodingKeys: String, CodingKey {
        case schema, id, time, event, text, run, folder, host, user, state, attempt, step, epoch, epochs
        case checkpoint, metrics, cause, signal, rank, omitted
        case runID = "run_id"
        case exitCode = "exit_code"
        case mioVersion = "mio_version"
    }

    /// What every message of a run has.
    package init(_ event: String, _ text: String, run: RunName, time: Timestamp = .now) {
        id = UUID().uuidString.lowercased()
        self.time = time
        self.event = event
        self.text = text
        self.run = run.name
        runID = run.id
        folder = run.folder
        host = run.host
        user = run.user
        mioVersion = run.mioVersion
    }

    /// A message that tells of nothing.
    package static func test(_ run: RunName) -> NotificationMessage {
        NotificationMessage("test", "\(run.name.shown()): this is a test of its notifications", run: run)
    }

    /// Which run it is about, and who looks after it.
    package struct RunName: Hashable, Sendable {
        package var name: String
        package var id: String?
        package var folder: String
        package var host: String
        package var user: String?
        package var mioVersion: String?

        package init(name: String, id: String? = nil, folder: String, mioVersion: String? = nil) {
            self.name = name
            self.id = id
            self.folder = folder
            host = ProcessInfo.processInfo.hostName
            user = ProcessInfo.processInfo.userName
            self.mioVersion = mioVersion
        }
    }

    package mutating func add(_ status: RunStatus?) {
        guard let status else { return }
        state = status.state.rawValue
        attempt = status.attempt
        step = status.step
        epoch = status.epoch
        epochs = status.epochs
        checkpoint = status.checkpoint
    }

    /// Where the run stands, as its folder tells.
    package mutating func add(_ folder: RunFolder) {
        add((try? folder.status()) ?? nil)
        metrics = folder.lastMetrics()
    }

    package mutating func add(_ end: RunEnd?) {
        guard let end else { return }
        cause = end.cause.rawValue
        exitCode = end.exitCode
        signal = end.signal
        rank = end.rank
        step = end.step ?? step
    }

    /// On one line.
    package func json() throws(FileError) -> String { try FolderJSON.line(self, path: "a notification") }
}
