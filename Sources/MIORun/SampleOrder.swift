import MIOConfig
import MIOCoordinator
import MIOData
import MIOJob

/// What the order of samples depends on: a run that goes on must find it as the checkpoint has it.
struct SampleOrder: Hashable {
    let rowCount: Int
    /// Samples an update.
    let batchSize: Int
    /// `nil` in checkpoints that do not tell.
    let shuffle: Bool?
    /// Of the data's manifest: files, sizes, checksums. `nil` in checkpoints that do not tell.
    let dataChecksum: UInt32?

    init(_ job: Job, rowCount: Int, dataChecksum: UInt32) {
        self.rowCount = rowCount
        batchSize = job.training.samplesPerUpdate
        shuffle = job.training.shuffle
        self.dataChecksum = dataChecksum
    }

    init(_ job: Job, _ dataset: Dataset) {
        self.init(job, rowCount: dataset.rowCount, dataChecksum: dataset.checksum)
    }

    /// - Throws: `ConfigError` for what this version did not write.
    init(_ reader: inout ConfigReader) throws(ConfigError) {
        rowCount = try reader.integer("row_count", atLeast: 0)
        batchSize = try reader.integer("batch_size", atLeast: 1)
        shuffle = try reader.optionalBoolean("shuffle")
        dataChecksum = try reader.optionalChecksum("data_checksum")
    }

    var config: ConfigDictionary {
        var config: ConfigDictionary = [
            "row_count": .integer(rowCount), "batch_size": .integer(batchSize),
        ]
        if let shuffle { config["shuffle"] = .boolean(shuffle) }
        if let dataChecksum { config["data_checksum"] = .integer(Int(dataChecksum)) }
        return config
    }

    /// Whether a run in the order of `job` and its data can go on from the checkpoint that this is of.
    /// - Throws: `RunError` with what differs.
    /// - Returns: a warning, if the files of data are others than when it was written.
    func verifyContinues(_ checkpoint: StoredCheckpoint, job: Job, as other: SampleOrder) throws(RunError)
        -> String?
    {
        let differences: [(what: String, expected: String, received: String)] = [
            ("samples of training data:", "\(rowCount)", "\(other.rowCount)"),
            (
                job.training.accumulate == 1
                    ? "training.batch_size" : "training.batch_size × training.accumulate", "\(batchSize)",
                "\(other.batchSize)"
            ),
            ("training.shuffle", "\(shuffle ?? job.training.shuffle)", "\(job.training.shuffle)"),
            ("seed", "\(UInt(bitPattern: checkpoint.manifest.seed))", "\(job.seed)"),
        ]
        for (what, expected, received) in differences where expected != received {
            throw TrainingState.refusal(checkpoint, what, expected, received)
        }
        guard let dataChecksum, dataChecksum != other.dataChecksum else { return nil }
        return "\(checkpoint.path): the files of data.train are not those it was written with (names, sizes "
            + "or checksums); training goes on with these"
    }
}

extension ConfigReader {
    mutating func optionalChecksum(_ key: String) throws(ConfigError) -> UInt32? {
        try optionalInteger(key, atLeast: 0, atMost: Int(UInt32.max)).map { UInt32($0) }
    }
}
