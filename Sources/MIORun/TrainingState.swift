import MIOConfig
import MIOCoordinator
import MIOJob
import MIOTensor

/// What a checkpoint holds beside tensors and position: everything else that the next step depends on.
struct TrainingState: Hashable {
    var position = TrainingPosition()
    /// Updates of the optimizer; fewer than steps if some were skipped.
    var updates = 0
    /// The epoch's sums so far.
    var epochSums: [Double] = []
    /// What the samples' order depends on, to notice when it changed.
    var rowCount = 0
    var batchSize = 0

    /// As a checkpoint keeps it; the position has places of its own in the manifest.
    var config: ConfigValue {
        .dictionary([
            "updates": .integer(updates), "epoch_sums": .list(epochSums.map(ConfigValue.real)),
            "row_count": .integer(rowCount), "batch_size": .integer(batchSize),
        ])
    }

    init() {}

    /// - Throws: `ConfigError` for a state that this version did not write.
    init(_ manifest: CheckpointManifest) throws {
        position = TrainingPosition(
            step: manifest.step, epoch: manifest.epoch, position: manifest.position)
        var reader = try ConfigReader(manifest.state, at: ConfigPath("state"))
        updates = try reader.integer("updates", atLeast: 0)
        rowCount = try reader.integer("row_count", atLeast: 0)
        batchSize = try reader.integer("batch_size", atLeast: 1)
        guard case .list(let sums) = try reader.required("epoch_sums") else {
            throw reader.error("epoch_sums", "expected a list of numbers")
        }
        for (index, value) in sums.enumerated() {
            switch value {
            case .real(let sum): epochSums.append(sum)
            case .integer(let sum): epochSums.append(Double(sum))
            default:
                throw ConfigError(
                    path: reader.path.appending("epoch_sums").appending(index: index),
                    message: "expected a number, found \(value.summary)")
            }
        }
        try reader.finish()
    }

    /// The order of samples depends on the data, the batch size and the seed: they must be those of the
    /// checkpoint that this state is of.
    /// - Throws: `RunError` with what differs.
    func verifyContinues(_ checkpoint: StoredCheckpoint, job: Job, rowCount: Int) throws(RunError) {
        let differences: [(what: String, expected: String, received: String)] = [
            ("samples of training data:", "\(self.rowCount)", "\(rowCount)"),
            (
                job.training.accumulate == 1
                    ? "training.batch_size" : "training.batch_size × training.accumulate", "\(batchSize)",
                "\(job.training.samplesPerUpdate)"
            ),
            ("seed", "\(UInt(bitPattern: checkpoint.manifest.seed))", "\(job.seed)"),
        ]
        for (what, expected, received) in differences where expected != received {
            throw Self.refusal(checkpoint, what, expected, received)
        }
    }

    static func refusal(
        _ checkpoint: StoredCheckpoint, _ what: String, _ expected: String, _ received: String
    ) -> RunError {
        RunError(
            "\(checkpoint.path): was written with \(what) \(expected), the job has \(received); set it back, or "
                + "start over with --resume never", exitCode: .badInput)
    }

    // MARK: Between ranks

    /// The numbers as they travel: exact, doubles as bits.
    var bytes: [UInt8] {
        let words =
            [position.step, position.epoch, position.position, updates, rowCount, batchSize].map(UInt64.init)
            + epochSums.map(\.bitPattern)
        return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } }
    }

    init(bytes: [UInt8]) {
        let words = stride(from: 0, to: bytes.count, by: 8).map { start in
            (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << (8 * UInt64($1)) }
        }
        position = TrainingPosition(step: Int(words[0]), epoch: Int(words[1]), position: Int(words[2]))
        updates = Int(words[3])
        rowCount = Int(words[4])
        batchSize = Int(words[5])
        epochSums = words.dropFirst(6).map(Double.init(bitPattern:))
    }
}
