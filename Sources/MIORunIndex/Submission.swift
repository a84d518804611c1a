import MIOBase
import MIORunFolder

/// The file `submission.json` of a run that was submitted to a daemon: what was asked for. All of the queue is in these files,
/// so a daemon that is killed forgets nothing.
package struct Submission: Codable, Hashable, Sendable {
    package static let name = "submission.json"

    /// Made by the client: the same id again is the same run.
    package var id: String
    package var name: String
    /// The absolute path of the job file.
    package var job: String
    package var ranks: Int
    /// `KEY=VALUE`, as `--set` takes them.
    package var settings: [String]
    /// Who asked, and when.
    package var by: String
    package var time: Timestamp
    /// Each time somebody asked for the run: once when it was submitted, and for each retry.
    package var requests: [Request]

    package struct Request: Codable, Hashable, Sendable {
        package var by: String
        package var time: Timestamp
        /// The largest generation of the run's lease then: the supervisor that serves the request has a larger one.
        package var generation: Int
        /// How the request ended where no supervisor took the run.
        package var end: End?

        package init(by: String, time: Timestamp = .now, generation: Int) {
            self.by = by
            self.time = time
            self.generation = generation
        }
    }

    /// The end of a request that led to no attempt: taken out of the queue, or a supervisor that could not start.
    package struct End: Codable, Hashable, Sendable {
        package var exitCode: Int
        package var text: String

        package init(exitCode: Int, text: String) {
            self.exitCode = exitCode
            self.text = text
        }

        package var isStop: Bool { exitCode == Int(ExitCode.stopped.rawValue) }

        enum CodingKeys: String, CodingKey {
            case text
            case exitCode = "exit_code"
        }
    }

    package init(
        id: String, name: String, job: String, ranks: Int, settings: [String], by: String,
        time: Timestamp = .now
    ) {
        self.id = id
        self.name = name
        self.job = job
        self.ranks = ranks
        self.settings = settings
        self.by = by
        self.time = time
        requests = [Request(by: by, time: time, generation: 0)]
    }

    /// Whether a supervisor is still to be started.
    /// - Parameter lease: of the run.
    package func isWaiting(_ lease: Lease?) -> Bool {
        guard let last = requests.last, last.end == nil else { return false }
        return lease?.generation ?? 0 <= last.generation
    }

    /// Letters, digits, `-`, `_` and `.`, at most 100 of them, not beginning with a dot: a name for folders and addresses.
    package static func isIdentifier(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count) && text.first != "." && text.first != "-"
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
