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
    /// Steps whose batches are left out because they made the run go back; their numbers count from 1.
    package var leftOut: [Int] = []
    /// Steps since the last one that changed the weights, because their loss or gradient was not finite.
    package var skippedInARow = 0
    /// The usual ranges of losses: `LossRanges.totals`.
    package var lossRanges: [Double] = []
    /// What the callbacks remember.
    var callbacks = CallbackMemory()
    /// The samples' order, to notice when it changed.
    package var order: SampleOrder

    /// As a checkpoint keeps it; the position has places of its own in the manifest.
    package var config: ConfigValue {
        var config = order.config
        config["updates"] = .integer(updates)
        if slotsStart != 0 { config["slots_start"] = .integer(slotsStart) }
        if !leftOut.isEmpty { config["left_out"] = .list(leftOut.map(ConfigValue.integer)) }
        if skippedInARow != 0 { config["skipped_in_a_row"] = .integer(skippedInARow) }
        config["epoch_sums"] = .list(epochSums.map(ConfigValue.real))
        if !lossRanges.isEmpty { config["loss_ranges"] = .list(lossRanges.map(ConfigValue.real)) }
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
        if reader.keys.contains("left_out") { leftOut = try reader.integerList("left_out") }
        guard leftOut.allSatisfy({ $0 > 0 }) else {
            throw reader.error("left_out", "expected numbers of steps, from 1")
        }
        skippedInARow = try reader.integer("skipped_in_a_row", default: 0, atLeast: 0)
        epochSums = try Self.numbers("epoch_sums", try reader.required("epoch_sums"), reader)
        if let ranges = reader.value("loss_ranges") {
            lossRanges = try Self.numbers("loss_ranges", ranges, reader)
        }
        try reader.finish()
    }

    private static func numbers(
        _ key: String, _ value: ConfigValue, _ reader: ConfigReader
    ) throws(ConfigError) -> [Double] {
        guard case .list(let list) = value else { throw reader.error(key, "expected a list of numbers") }
        var numbers: [Double] = []
        for (index, value) in list.enumerated() {
            switch value {
            case .real(let number): numbers.append(number)
            case .integer(let number): numbers.append(Double(number))
            default:
                throw ConfigError(
                    path: reader.path.appending(key).appending(index: index),
                    message: "expected a number, found \(value.summary)")
            }
        }
        return numbers
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

    /// The numbers as they travel: exact, doubles as bits. Lists come with their lengths.
    package var bytes: [UInt8] {
        let numbers = [position.step, position.epoch, position.position, updates, slotsStart, skippedInARow]
        let words =
            (numbers + [leftOut.count] + leftOut + [lossRanges.count]).map(UInt64.init)
            + (lossRanges + epochSums).map(\.bitPattern)
        return [UInt8](littleEndian: words)
    }

    package init(bytes: [UInt8], order: SampleOrder) {
        self.order = order
        var words = bytes.littleEndianWords[...]
        func integer() -> Int { Int(words.removeFirst()) }
        position = TrainingPosition(step: integer(), epoch: integer(), position: integer())
        updates = integer()
        slotsStart = integer()
        skippedInARow = integer()
        leftOut = (0..<integer()).map { _ in integer() }
        let ranges = integer()
        lossRanges = words.prefix(ranges).map(Double.init(bitPattern:))
        epochSums = words.dropFirst(ranges).map(Double.init(bitPattern:))
    }
}
