import MIOBase
import MIOConfig

/// Writes the model to a file at the end of each epoch, or of each epoch that is the best so far.
///
///     - {class: ModelCheckpoint, monitor: val_box_iou, mode: max}        best.safetensors in the run's folder
///     - {class: ModelCheckpoint, filepath: "{epoch:02d}-{val_loss:.2f}.keras"}
///
/// The end of `filepath` says what is written: the whole model with its optimizer's state and compile arguments (`.keras`), what
/// Keras' `load_weights` reads (`.weights.h5`), or the weights alone (`.safetensors`).
///
/// Without `filepath` the file is `best.safetensors` in the run's folder, and only the best is written. These files are for use
/// elsewhere: a run continues from its checkpoints, which `checkpoints` of a job is about.
///
/// Source: https://keras.io/api/callbacks/model_checkpoint/
public struct ModelCheckpoint: Callback, Hashable {
    public static let className = "ModelCheckpoint"
    public static let kerasArguments: [KerasArgument] = [
        .at("epoch", named: "save_freq", advice: "checkpoints.every_steps writes what a run continues from")
    ]

    /// What is watched, if only the best is written.
    public let watched: Monitor
    /// Where to write; a relative path is relative to the run's folder.
    public let path: FilePattern
    /// Whether an epoch that is not the best so far writes nothing; without `filepath` it is so.
    public let saveBestOnly: Bool
    /// Whether only weights are written, as the end of `filepath` says it.
    public let saveWeightsOnly: Bool
    /// What the first value has to beat; `nil` for nothing.
    public let initialValueThreshold: Double?

    private static let defaultPath = "best.safetensors"

    /// - Parameter path: `nil` for `best.safetensors` in the run's folder, of the best epoch only.
    /// - Precondition: the path ends in `.keras`, `.weights.h5` or `.safetensors`.
    public init(
        path: FilePattern? = nil, monitor: String = "val_loss", mode: Monitor.Mode = .auto,
        saveBestOnly: Bool? = nil, initialValueThreshold: Double? = nil
    ) {
        watched = Monitor(monitor, mode: mode)
        self.path = path ?? FilePattern(literal: Self.defaultPath)
        guard let format = ModelFileFormat(of: self.path.text) else {
            preconditionFailure("\(self.path.text): \(ModelFileFormat.expected)")
        }
        self.saveBestOnly = saveBestOnly ?? (path == nil)
        saveWeightsOnly = format != .keras
        self.initialValueThreshold = initialValueThreshold
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        watched = try Monitor(reading: &reader, defaultMinDelta: nil)
        reader.describe("filepath", "a path with fields as {epoch:02d}", default: .string(Self.defaultPath))
        let text = try reader.optionalString("filepath")
        path = try FilePattern(text ?? Self.defaultPath, at: reader.path.appending("filepath"))
        saveBestOnly = try reader.boolean("save_best_only", default: text == nil)
        let weightsOnly = try reader.optionalBoolean("save_weights_only")
        initialValueThreshold = try reader.optionalReal("initial_value_threshold")
        guard let format = ModelFileFormat(of: path.text) else {
            throw reader.error("filepath", "\(ModelFileFormat.expected), found \(quoted: path.text)")
        }
        saveWeightsOnly = format != .keras
        // A .safetensors file has no optimizer and no model, whatever is asked for.
        switch (format, weightsOnly) {
        case (.keras, true?):
            throw reader.error(
                "save_weights_only",
                "a .keras file has the whole model; name a .weights.h5 file, or leave save_weights_only out")
        case (.weights, false?):
            throw reader.error(
                "save_weights_only",
                "a .weights.h5 file has weights alone; name a .keras file, or leave save_weights_only out")
        default: break
        }
    }

    public var arguments: ConfigDictionary {
        var entries: ConfigDictionary = ["filepath": .string(path.text)]
        watched.write(to: &entries, withMinDelta: false)
        entries["save_best_only"] = .boolean(saveBestOnly)
        entries["save_weights_only"] = .boolean(saveWeightsOnly)
        if let initialValueThreshold { entries["initial_value_threshold"] = .real(initialValueThreshold) }
        return entries
    }

    public var monitor: Monitor? { saveBestOnly ? watched : nil }

    public func epochEnds(_ logs: EpochLogs, state: inout CallbackState) -> [CallbackAction] {
        var reason = "epoch \(logs.epoch + 1)"
        if saveBestOnly {
            let best = state["best"] ?? initialValueThreshold
            guard let value = logs[watched.name], watched.isBetter(value, than: best, in: logs) else {
                return []
            }
            reason =
                best.map { "\(watched.name) improved from \(shortText($0)) to \(shortText(value))" }
                ?? "\(watched.name) is \(shortText(value))"
            state["best"] = value
        }
        return [.save(path: path.filled(logs), reason: reason)]
    }
}
