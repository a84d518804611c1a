import MIOBase
import MIOBatches
import MIOConfig
import MIOData
import MIOJob
import MIORecords

/// What the order of samples depends on: a run that goes on must find it as the checkpoint has it.
package struct SampleOrder: Hashable {
    let rowCount: Int
    /// Samples an update.
    let batchSize: Int
    /// `nil` in checkpoints that do not tell.
    let shuffle: Bool?
    /// Of the data's manifest: files, sizes, checksums. `nil` in checkpoints that do not tell.
    let dataChecksum: UInt32?
    /// Tells changed files from other arrays of the same files. `nil` in checkpoints that do not tell.
    let data: DataFingerprint?

    package init(_ job: Job, _ dataset: Dataset) {
        rowCount = dataset.rowCount
        batchSize = job.training.samplesPerUpdate
        shuffle = job.training.shuffle
        dataChecksum = dataset.checksum
        data = dataset.fingerprint
    }

    /// - Throws: `ConfigError` for what this version did not write.
    init(_ reader: inout ConfigReader) throws(ConfigError) {
        rowCount = try reader.integer("row_count", atLeast: 0)
        batchSize = try reader.integer("batch_size", atLeast: 1)
        shuffle = try reader.optionalBoolean("shuffle")
        dataChecksum = try reader.optionalChecksum("data_checksum")
        let files = try reader.optionalChecksum("files_checksum")
        var arrays: [String: UInt32] = [:]
        if var sums = try reader.optionalDictionary("array_checksums") {
            for name in sums.keys { arrays[name] = try sums.optionalChecksum(name) }
        }
        data = files.map { DataFingerprint(files: $0, arrays: arrays) }
    }

    var config: ConfigDictionary {
        var config: ConfigDictionary = [
            "row_count": .integer(rowCount), "batch_size": .integer(batchSize),
        ]
        if let shuffle { config["shuffle"] = .boolean(shuffle) }
        if let dataChecksum { config["data_checksum"] = .integer(Int(dataChecksum)) }
        if let data {
            config["files_checksum"] = .integer(Int(data.files))
            var arrays = ConfigDictionary()
            for (name, checksum) in data.arrays.sorted(by: { $0.key < $1.key }) {
                arrays[name] = .integer(Int(checksum))
            }
            config["array_checksums"] = .dictionary(arrays)
        }
        return config
    }

    /// Whether a run in the order of `job` and its data can go on from the checkpoint that this is of.
    ///
    /// Between two epochs nothing depends on the size of a batch: it may change there.
    /// - Parameter position: where the checkpoint stands.
    /// - Throws: `RunError` with what differs.
    /// - Returns: warnings: of another size of batches, of data that is other than when it was written.
    func verifyContinues(
        _ checkpoint: StoredCheckpoint, at position: TrainingPosition, job: Job, as other: SampleOrder
    ) throws(RunError) -> [String] {
        let isBetweenEpochs = position.position == 0 || position.position == rowCount
        let batchSizeKey =
            job.training.accumulate == 1
            ? "training.batch_size" : "training.batch_size × training.accumulate"
        let differences: [(what: String, expected: String, received: String)] = [
            ("samples of training data:", "\(rowCount)", "\(other.rowCount)"),
            ("training.shuffle", "\(shuffle ?? job.training.shuffle)", "\(job.training.shuffle)"),
            ("seed", "\(UInt(bitPattern: checkpoint.manifest.seed))", "\(job.seed)"),
        ]
        for (what, expected, received) in differences where expected != received {
            throw TrainingState.refusal(checkpoint, what, expected, received)
        }
        var warnings: [String] = []
        if batchSize != other.batchSize {
            guard isBetweenEpochs else {
                throw TrainingState.refusal(
                    checkpoint, batchSizeKey, "\(batchSize)", "\(other.batchSize)",
                    advice: " until the epoch ends (between two epochs it may change)")
            }
            let epoch = position.epoch + (position.position == 0 ? 1 : 2)
            let steps = BatchSchedule(rowCount: rowCount, batchSize: other.batchSize).batchesPerEpoch
            warnings.append(
                "\(checkpoint.path): was written with \(batchSizeKey) \(batchSize), the job has "
                    + "\(other.batchSize): from epoch \(epoch) on an epoch has "
                    + "\(counted(steps, "step")); learning rate schedules go on counting steps")
        }
        if let warning = dataWarning(other) { warnings.append("\(checkpoint.path): \(warning)") }
        return warnings
    }

    private func dataWarning(_ other: SampleOrder) -> String? {
        let ending = "; training goes on with these"
        guard let data, let new = other.data else {
            guard let dataChecksum, dataChecksum != other.dataChecksum else { return nil }
            return
                "the files of data.train, or the arrays that are read of them, are not those it was written "
                + "with (names, sizes or checksums)" + ending
        }
        let common = data.arrays.keys.filter { new.arrays[$0] != nil }
        guard data.files == new.files else {
            return "the files of data.train are not those it was written with (names, rows or sizes)" + ending
        }
        let changed = common.filter { data.arrays[$0] != new.arrays[$0] }.sorted()
        guard changed.isEmpty else {
            return "\(listed(changed)) of data.train "
                + (changed.count == 1 ? "is not the array" : "are not the arrays")
                + " it was written with (types, shapes or checksums)" + ending
        }
        let removed = data.arrays.keys.filter { new.arrays[$0] == nil }.sorted()
        let added = new.arrays.keys.filter { data.arrays[$0] == nil }.sorted()
        guard !removed.isEmpty || !added.isEmpty else { return nil }
        let parts =
            (removed.isEmpty ? [] : ["no longer " + listed(removed)])
            + (added.isEmpty ? [] : ["now also " + listed(added)])
        return "other arrays of data.train are read than when it was written: "
            + parts.joined(separator: "; ")
    }
}

extension ConfigReader {
    mutating func optionalChecksum(_ key: String) throws(ConfigError) -> UInt32? {
        try optionalInteger(key, atLeast: 0, atMost: Int(UInt32.max)).map { UInt32($0) }
    }
}
