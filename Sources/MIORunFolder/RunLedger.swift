/// `record.json`: what ran. The supervisor writes it, and, while an attempt runs, rank 0.
package struct RunLedger: Codable, Hashable, Sendable {
    /// The newest format that this mio reads.
    package static let newestFormat = 1

    package var format = 1
    /// Of the run: it stays when the folder moves.
    package var id: String
    package var name: String
    package var created: Timestamp
    package var mioVersion: String
    /// The user's command of the newest attempt.
    package var command: [String]
    package var workingDirectory: String
    package var user: String?
    /// Of the resolved job in `job.yaml`, hexadecimal.
    package var jobChecksum: String?
    /// Of the worker's program, hexadecimal.
    package var programChecksum: String?
    package var data: [DataFile]
    package var hosts: [Host]
    package var attempts: [Attempt]

    /// A file of data as a run found it.
    package struct DataFile: Codable, Hashable, Sendable {
        /// `train`, `validation`
        package var source: String
        package var path: String
        package var size: Int
        package var rows: Int?
        /// CRC-32 of the names, types, shapes and checksums of the file's arrays, hexadecimal; `nil` where the format has no
        /// checksums.
        package var crc32: String?

        package init(source: String, path: String, size: Int, rows: Int? = nil, crc32: String? = nil) {
            self.source = source
            self.path = path
            self.size = size
            self.rows = rows
            self.crc32 = crc32
        }
    }

    /// A machine of the newest attempt.
    package struct Host: Codable, Hashable, Sendable {
        package var name: String
        package var ranks: [Int]
        package var processor: String?

        package init(name: String, ranks: [Int], processor: String? = nil) {
            self.name = name
            self.ranks = ranks
            self.processor = processor
        }
    }

    /// Gradients that are reduced in one go.
    package struct Bucket: Codable, Hashable, Sendable {
        /// Whose losses the gradients come from.
        package var outputs: [String]
        /// Whose weights' gradients they are, in the order in which they are completed.
        package var layers: [String]

        package init(outputs: [String], layers: [String]) {
            self.outputs = outputs
            self.layers = layers
        }
    }

    package struct Attempt: Codable, Hashable, Sendable {
        /// 1 for the first.
        package var number: Int
        package var began: Timestamp
        package var ended: Timestamp?
        package var ranks: Int
        /// The command that starts the ranks.
        package var launch: [String]
        /// Who supervises; the rank itself if nobody does.
        package var supervisor: ProcessName
        /// The generation of the supervisor's lease.
        package var generation: Int?
        /// Steps that were done when it began, and when it ended.
        package var fromStep: Int?
        package var toStep: Int?
        /// The buckets of gradients in the order in which ranks complete them; `nil` before rank 0 has begun.
        package var buckets: [Bucket]?
        package var end: RunEnd?

        package init(
            number: Int, began: Timestamp = .now, ranks: Int, launch: [String],
            supervisor: ProcessName = .own,
            generation: Int? = nil
        ) {
            self.number = number
            self.began = began
            self.ranks = ranks
            self.launch = launch
            self.supervisor = supervisor
            self.generation = generation
        }

        enum CodingKeys: String, CodingKey {
            case number, began, ended, ranks, launch, supervisor, generation, buckets, end
            case fromStep = "from_step"
            case toStep = "to_step"
        }
    }

    package init(
        id: String, name: String, created: Timestamp = .now, mioVersion: String, command: [String],
        workingDirectory: String, user: String? = nil
    ) {
        self.id = id
        self.name = name
        self.created = created
        self.mioVersion = mioVersion
        self.command = command
        self.workingDirectory = workingDirectory
        self.user = user
        data = []
        hosts = []
        attempts = []
    }

    enum CodingKeys: String, CodingKey {
        case format, id, name, created, command, user, data, hosts, attempts
        case mioVersion = "mio_version"
        case workingDirectory = "working_directory"
        case jobChecksum = "job_checksum"
        case programChecksum = "program_checksum"
    }
}
