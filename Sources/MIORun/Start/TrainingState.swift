import MIOBase
import MIOConfig
import MIOJob
import MIORecords

/// What a checkpoint holds beside tensors and position: everything else that the next step depends on.
package struct TrainingState: Hashable {
    package var position = TrainingPosition()
    /// Updates of the optimizer; fewer than steps if some were skipped.
    package var updates = 0
    /// Updates done when the optimizer's slots were zero.
    package var slotsStart = 0
    /// The epoch's sums so far, and a checksum of the losses and metrics that they are of; `nil` in checkpoints that do
    /// not tell.
    package var epochSums: [Double] = []
    var outputsChecksum: UInt32?
    /// What the callbacks remember.
    var callbacks = CallbackMemory()
    /// The samples' order, to notice when it changed.
    package var order: SampleOrder

    /// As a checkpoint keeps it; the position has places of its own in the manifest.
    package var config: ConfigValue {
        var config = order.config
        config["updates"] = .integer(updates)
        if slotsStart != 0 { config["slots_start"] = .integer(slotsStart) }
        config["epoch_sums"] = .list(epochSums.map(ConfigValue.real))
        if !callbacks.isEmpty { config["callbacks"] = .dictionary(callbacks.config) }
        if let outputsChecksum { config["outputs_checksum"] = .integer(Int(outputsChecksum)) }
        return .dictionary(config)
    }

    package init(order: SampleOrder) { self.order = order }

    /// - Throws: `CheckpointError` for a state that this version did not write.
    init(_ checkpoint: StoredCheckpoint) throws(CheckpointError) {
        do throws(ConfigError) {
            try self.init(checkpoint.manifest)
        } catch {
            throw CheckpointError(.damaged, path: checkpoint.path, message: "manifest.json: \(error)")
        }
    }

    private init(_ manifest: CheckpointManifest) throws(ConfigError) {
        position = TrainingPosition(
            step: manifest.step, epoch: manifest.epoch, position: manifest.position)
        var reader = try ConfigReader(manifest.state, at: ConfigPath("state"))
        // More than steps where the optimizer began with the variables of a file.
        updates = try reader.integer("updates", atLeast: 0)
        slotsStart = try reader.integer("slots_start", default: 0, atLeast: 0, atMost: updates)
        order = try SampleOrder(&reader)
        guard position.position <= order.rowCount else {
            throw reader.error(
                "row_count", "expected at least position, \(position.position), found \(order.rowCount)")
        }
        outputsChecksum = try reader.optionalChecksum("outputs_checksum")
        if var callbacks = try reader.optionalDictionary("callbacks") {
            self.callbacks = try CallbackMemory(reading: &callbacks)
        }
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

    static func refusal(
        _ checkpoint: StoredCheckpoint, _ what: String, _ expected: String, _ received: String,
        advice: String = ""
    ) -> RunError {
        RunError(
            "\(checkpoint.path): was written with \(what) \(expected), the job has \(received); set it "
                + "back\(advice), or start over with --resume never", exitCode: .badInput)
    }

    // MARK: Between ranks

    /// The numbers as they travel: exact, doubles as bits.
    package var bytes: [UInt8] {
        let words =
            [position.step, position.epoch, position.position, updates, slotsStart].map(UInt64.init)
            + epochSums.map(\.bitPattern)
        return [UInt8](littleEndian: words)
    }

    package init(bytes: [UInt8], order: SampleOrder) {
        self.order = order
        let words = bytes.littleEndianWords
        position = TrainingPosition(step: Int(words[0]), epoch: Int(words[1]), position: Int(words[2]))
        updates = Int(words[3])
        slotsStart = Int(words[4])
        epochSums = words.dropFirst(5).map(Double.init(bitPattern:))
    }
}
