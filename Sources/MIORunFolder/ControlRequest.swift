import Foundation

/// The file `control`: a request to a run. The ranks look for it about once a second, agree, obey, and remove it.
package struct ControlRequest: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Hashable, Sendable {
        /// Stop after a checkpoint; the run can be continued.
        case stop
        /// Write a checkpoint and go on.
        case checkpoint
    }

    package var request: Kind
    /// The cause of the end that a stop leads to.
    package var cause: EndCause
    /// User, machine and process of the one who asks.
    package var by: String
    package var time: Timestamp
    /// Tells two requests apart.
    package var id: String

    package init(
        _ request: Kind, cause: EndCause = .stoppedByUser, by: String = Self.asker, time: Timestamp = .now,
        id: String = UUID().uuidString
    ) {
        self.request = request
        self.cause = cause
        self.by = by
        self.time = time
        self.id = id
    }

    /// This process and its user.
    package static var asker: String {
        "\(ProcessInfo.processInfo.userName), \(ProcessName.own.text)"
    }
}
