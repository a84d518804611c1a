import Foundation
import MIOBase
import MIOConfig

/// A file that weights start from: `weights` of a job file, and the file of its `model`.
///
///     weights: base.keras                 # also .weights.h5, .h5 of Keras 2, .safetensors, or the folder of a run
///     weights: {file: base.keras, layers: ["backbone/*"], skip_mismatch: true}
///
/// Layers are found by their paths. A run that starts so is a new run: the optimizer and the samples' order begin anew. The
/// newest checkpoint of the run directory goes on where the run was, and reads none of these files.
///
/// - `file`: relative to the job file.
/// - `layers`: patterns of the layers that are read, as `fnmatch(3)` has them; all without it.
/// - `skip_mismatch`: whether layers that the file lacks, or has in another shape, keep their first values. They are an
///   error otherwise.
/// - `optimizer_state`: whether the optimizer goes on with the file's variables, and its count of updates. For a model's
///   file it does, unless the job has an optimizer of its own.
/// - `of_model`: whether the model is the file's; in resolved jobs.
public struct StartingWeights: Hashable, Sendable {
    /// An absolute path; in a job file relative to the job file.
    public let file: String
    /// Patterns of paths of layers; empty for all.
    public let layers: [String]
    /// Whether what does not fit is left out.
    public let skipMismatch: Bool
    /// Whether the optimizer's variables are read too.
    public let optimizerState: Bool
    /// Whether the job's model is this file's.
    package let ofModel: Bool

    /// - Parameters:
    ///   - file: relative to the working directory, or absolute.
    ///   - layers: patterns of the layers that are read; all without them.
    ///   - skipMismatch: whether layers that the file lacks, or has in another shape, keep their first values.
    ///   - optimizerState: whether the optimizer goes on with the file's variables.
    public init(
        _ file: String, layers: [String] = [], skipMismatch: Bool = false, optimizerState: Bool = false
    ) {
        self.init(
            absolute: JobPath.absolute(file), layers: layers, skipMismatch: skipMismatch,
            optimizerState: optimizerState, ofModel: false)
    }

    init(absolute file: String, layers: [String], skipMismatch: Bool, optimizerState: Bool, ofModel: Bool) {
        self.file = file
        self.layers = layers
        self.skipMismatch = skipMismatch
        self.optimizerState = optimizerState
        self.ofModel = ofModel
    }

    var config: ConfigValue {
        var entries: ConfigDictionary = ["file": .string(file)]
        if !layers.isEmpty { entries["layers"] = .list(layers.map(ConfigValue.string)) }
        if skipMismatch { entries["skip_mismatch"] = true }
        if optimizerState { entries["optimizer_state"] = true }
        if ofModel { entries["of_model"] = true }
        return .dictionary(entries)
    }

    /// Reads `weights` of a job: a path, a mapping, or a list of them, of which later ones go over earlier ones.
    static func read(_ value: ConfigValue, at path: ConfigPath, folder: String) throws(ConfigError)
        -> [StartingWeights]
    {
        guard case .list(let items) = value else { return [try one(value, at: path, folder: folder)] }
        var read: [StartingWeights] = []
        for (index, item) in items.enumerated() {
            read.append(try one(item, at: path.appending(index: index), folder: folder))
        }
        return read
    }

    private static func one(_ value: ConfigValue, at path: ConfigPath, folder: String) throws(ConfigError)
        -> StartingWeights
    {
        if case .string(let file) = value {
            return StartingWeights(
                absolute: JobPath.absolute(file, in: folder), layers: [], skipMismatch: false,
                optimizerState: false, ofModel: false)
        }
        guard case .dictionary = value else {
            throw ConfigError(
                path: path,
                message:
                    "expected a file, as base.keras, or a mapping with the key \"file\", found \(value.summary)"
            )
        }
        var reader = try ConfigReader(value, at: path)
        let file = try reader.string("file")
        let patterns = try reader.optionalValue("layers", expected: "patterns of layers, as [\"encoder/*\"]")
        let layers = patterns == nil ? [] : try reader.strings("layers")
        let skipMismatch = try reader.boolean("skip_mismatch", default: false)
        let optimizerState = try reader.boolean("optimizer_state", default: false)
        let ofModel: Bool
        switch reader.unlisted("of_model") {
        case nil, .boolean(false)?: ofModel = false
        case .boolean(true)?: ofModel = true
        default: throw reader.error("of_model", "expected true or false")
        }
        try reader.finish()
        return StartingWeights(
            absolute: JobPath.absolute(file, in: folder), layers: layers, skipMismatch: skipMismatch,
            optimizerState: optimizerState, ofModel: ofModel)
    }
}
