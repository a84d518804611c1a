import MIOBase
import MIOFiles

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
    /// Slurm's partition and time limit, where the client chose them.
    package var partition: String?
    package var timeLimit: String?
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
        /// The step of the newest checkpoint when the daemon asked by itself, because the supervisor was gone; `nil` if a
        /// person asked.
        package var revivedAt: Int?
        /// How the request ended where no supervisor took the run.
        package var end: End?
        /// The job of Slurm that serves the request; `nil` where the daemon starts the supervisor itself.
        package var batch: Batch?

        package init(by: String, time: Timestamp = .now, generation: Int, revivedAt: Int? = nil) {
            self.by = by
            self.time = time
            self.generation = generation
            self.revivedAt = revivedAt
        }

        enum CodingKeys: String, CodingKey {
            case by, time, generation, end, batch
            case revivedAt = "revived_at"
        }
    }

    /// A request's job of Slurm. The name is written before the job is submitted and belongs to no other job, so a daemon that
    /// was killed before it wrote the number finds the job by its name.
    package struct Batch: Codable, Hashable, Sendable {
        package var name: String
        package var job: String?

        package init(name: String, job: String? = nil) {
            self.name = name
            self.job = job
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
        id: String, name: String, job: String, ranks: Int, settings: [String], partition: String? = nil,
        timeLimit: String? = nil, by: String, time: Timestamp = .now
    ) {
        self.id = id
        self.name = name
        self.job = job
        self.ranks = ranks
        self.settings = settings
        self.partition = partition
        self.timeLimit = timeLimit
        self.by = by
        self.time = time
        requests = [Request(by: by, time: time, generation: 0)]
    }

    enum CodingKeys: String, CodingKey {
        case id, name, job, ranks, settings, partition, by, time, requests
        case timeLimit = "time_limit"
    }

    /// The newest request's job of Slurm.
    package var batch: Batch? { requests.last?.batch }

    /// Whether a lease is of a job of Slurm that served an earlier request.
    package func isOfEarlierJob(_ lease: Lease) -> Bool {
        guard let number = lease.batchJob?.number else { return false }
        return requests.dropLast().contains { $0.batch?.job == number }
    }

    /// Whether a supervisor is still to be started.
    /// - Parameter lease: of the run.
    package func isWaiting(_ lease: Lease?) -> Bool {
        guard let last = requests.last, last.end == nil else { return false }
        return lease?.generation ?? 0 <= last.generation
    }

    /// Whether the supervisor that served the newest request is gone without having given the run up: it was killed, or its
    /// machine was.
    package func isLost(_ lease: Lease?, _ status: RunStatus?) -> Bool {
        guard let last = requests.last, last.end == nil, let lease, lease.generation > last.generation,
            !lease.isReleased, lease.life == .gone
        else { return false }
        switch status?.state {
        case .finished: return false
        // A rank whose peers die writes it too, and its supervisor would have tried again.
        case .failed: return status?.writer != lease.holder
        default: return true
        }
    }

    /// How the newest request ended that no supervisor has taken, or never will, where that says more than what is left of the
    /// attempt before it.
    package func end(after lease: Lease?, _ status: RunStatus?) -> End? {
        guard let last = requests.last, lease?.generation ?? 0 <= last.generation,
            // A program that ended well and took no lease: the run is what its folder says.
            let end = last.end, end.exitCode != 0
        else { return nil }
        // After a retry that was taken back the run is what it was.
        return status == nil || status?.state == .waiting || !end.isStop ? end : nil
    }

    /// How often in a row the daemon has started the run again by itself at this checkpoint.
    package func revivals(at step: Int) -> Int {
        requests.reversed().prefix { $0.revivedAt == step }.count
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

extension RunFolder {
    /// - Returns: `nil` for a run that was not submitted to a daemon.
    package func submission() throws(FileError) -> Submission? {
        try FolderJSON.read(Submission.self, from: Folder.join(path, Submission.name))
    }
}
