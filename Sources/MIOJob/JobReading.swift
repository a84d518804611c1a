import Foundation
import MIOBase
import MIOCallbacks
import MIOConfig
import MIOData
import MIOFiles
import MIOGraph
import MIOKeras
import MIOObjectives
import MIOOptimizers

extension Job {
    /// Far more than a job needs: what is larger is some other file.
    private static var largestFile: Int { 16 << 20 }

    /// Reads a job file.
    /// - Parameters:
    ///   - path: of the file; relative paths in it are relative to its folder.
    ///   - overrides: `KEY=VALUE` each, the key a dotted path (`training.epochs=2`,
    ///     `model.layers[2].units=8`), the value written as YAML; none may set what another sets.
    /// - Throws: `JobError` with file, line and key; its exit code tells a missing file from a bad one.
    public static func load(path: String, overrides: [String] = []) throws(JobError) -> Job {
        try load(path: path, overrides: overrides, contents: nil)
    }

    /// Reads a job file, or what it held earlier.
    /// - Parameter contents: what stands for the file's; `nil`: what it holds.
    package static func load(path: String, overrides: [String], contents: [UInt8]?) throws(JobError) -> Job {
        let absolute = JobPath.absolute(path)
        let bytes = if let contents { contents } else { try read(absolute, writtenAs: path) }
        return try Job(
            yaml: try text(bytes, writtenAs: path),
            folder: URL(fileURLWithPath: absolute).deletingLastPathComponent().path, file: path,
            overrides: overrides)
    }

    private static func read(_ absolute: String, writtenAs path: String) throws(JobError) -> [UInt8] {
        guard !Folder.isMissing(absolute) else {
            throw JobError(
                file: path, message: "no such file; name a job file, or make job.yaml here",
                exitCode: .missingInput)
        }
        if Folder.isFolder(absolute) {
            throw JobError(
                file: path, message: "is a folder; name the job file in it", exitCode: .missingInput)
        }
        do throws(FileError) {
            return try OpenFile.contents(of: absolute, atMost: largestFile)
        } catch {
            throw JobError(
                file: path, message: "cannot be read as a job file: \(error.reason)",
                exitCode: error.exitCode == .badInput ? .badInput : .missingInput)
        }
    }

    private static func text(_ bytes: [UInt8], writtenAs path: String) throws(JobError) -> String {
        // Some editors begin a file so; YAML allows it, and its reader does not.
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard
            let text = String(
                validating: bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...], as: UTF8.self
            )
        else { throw JobError(file: path, message: "is not UTF-8 text") }
        return text
    }

    /// Reads the text of a job file.
    /// - Parameters:
    ///   - folder: what relative paths are relative to; its last component is the default name.
    ///   - file: what errors call the file.
    ///   - overrides: as for `load(path:overrides:)`.
    /// - Throws: `JobError` with file, line and key.
    public init(yaml text: String, folder: String, file: String = "job.yaml", overrides: [String] = [])
        throws(JobError)
    {
        let source = try JobSource(text: text, file: file, overrides: overrides)
        do {
            try self.init(reading: source.value, folder: folder)
        } catch {
            throw source.locate(error)
        }
    }

    private init(reading value: ConfigValue, folder: String) throws(ConfigError) {
        var reader = try ConfigReader(value, at: ConfigPath())
        reader.refusesNull = true
        reader.describe("model", "a mapping, or a file of Keras")
        let modelValue = try reader.required("model")
        let dataValue = reader.unlisted("data") ?? .null
        let fileModel = try FileModel.read(
            modelValue, at: reader.path.appending("model"), folder: folder,
            shapeInData: { Self.shape(of: $0, in: dataValue, folder: folder) })
        let model =
            if let fileModel { fileModel.keras.model } else {
                try InlineModel.read(modelValue, at: reader.path.appending("model"))
            }
        let names = model.graph.outputs.map(\.name)
        let compiled = fileModel.flatMap { CompileArguments($0.keras.file, outputs: names) }
        let outputs = try Self.readOutputs(&reader, names: names, defaults: compiled)
        var dataReader = try reader.dictionary("data")
        let data = try JobData(reading: &dataReader)

        reader.describe("optimizer", "an optimizer", default: .string(Adam.className))
        var optimizer: any Optimizer = Adam()
        let ownOptimizer = try reader.optionalValue("optimizer", expected: "an optimizer, as adam")
        if let value = ownOptimizer {
            optimizer = try OptimizerRegistry.read(value, at: reader.path.appending("optimizer"))
        } else if let value = compiled?.optimizer {
            optimizer = try Self.fromCompile("optimizer") { () throws(ConfigError) in
                try OptimizerRegistry.read(value, at: ConfigPath("optimizer"))
            }
        }
        var training = TrainingOptions()
        if var options = try reader.optionalDictionary("training") {
            training = try TrainingOptions(reading: &options)
        }
        var communication = CommunicationOptions()
        if var options = try reader.optionalDictionary("communication") {
            communication = try CommunicationOptions(reading: &options)
        }
        var checkpoints = CheckpointOptions()
        if var options = try reader.optionalDictionary("checkpoints") {
            checkpoints = try CheckpointOptions(reading: &options)
        }
        var logging = LoggingOptions()
        if var options = try reader.optionalDictionary("logging") {
            logging = try LoggingOptions(reading: &options)
        }
        reader.describe("callbacks", "a list of callbacks")
        let callbacks = try Self.readCallbacks(&reader)
        let notifications = try RunNotification.read(&reader, folder: folder)
        let name =
            try reader.optionalString("name")
            ?? URL(fileURLWithPath: JobPath.absolute(folder)).lastPathComponent
        reader.describe("seed", "an integer from 0", default: 0)
        let seed = try Self.readSeed(&reader)
        let patterns = try reader.optionalValue("freeze", expected: "patterns of layers, as [\"encoder/*\"]")
        let freeze = patterns == nil ? [] : try reader.strings("freeze")
        var weights: [StartingWeights] = []
        if let fileModel {
            weights.append(
                StartingWeights(
                    absolute: fileModel.file, layers: [], skipMismatch: false,
                    optimizerState: ownOptimizer == nil && compiled?.optimizer != nil, ofModel: true))
        }
        if let value = try reader.optionalValue("weights", expected: "a file, as base.keras") {
            weights += try StartingWeights.read(value, at: reader.path.appending("weights"), folder: folder)
        }
        let runDirectory = try reader.optionalString("run_directory")
        try reader.finish()
        try self.init(
            checking: name, seed: seed, model: model, outputs: outputs, data: data, optimizer: optimizer,
            training: training, communication: communication, checkpoints: checkpoints, logging: logging,
            callbacks: callbacks, notifications: notifications, weights: weights, freeze: freeze,
            runDirectory: runDirectory, folder: folder)
    }

    /// A list of callbacks, or one alone.
    private static func readCallbacks(_ reader: inout ConfigReader) throws(ConfigError) -> [any Callback] {
        let path = reader.path.appending("callbacks")
        switch try reader.optionalValue(
            "callbacks", expected: "a list of callbacks, as [{class: EarlyStopping}]")
        {
        case nil: return []
        case .list(let values)?:
            var callbacks: [any Callback] = []
            for (index, value) in values.enumerated() {
                callbacks.append(try CallbackRegistry.read(value, at: path.appending(index: index)))
            }
            return callbacks
        case let one?: return [try CallbackRegistry.read(one, at: path)]
        }
    }

    /// The shape that a sample of an input has in the training data; `nil` where it cannot be known, for whatever reason: what
    /// is wrong with the data is said when it is read.
    private static func shape(of input: String, in value: ConfigValue, folder: String) -> Shape? {
        guard var reader = try? ConfigReader(value, at: ConfigPath("data")),
            let data = try? JobData(reading: &reader)
        else { return nil }
        let folder = JobPath.absolute(folder)
        var specification: DatasetRequest
        switch data.train.files {
        case .shards(let globs): specification = DatasetRequest(files: globs, folder: folder)
        case .arrays(let arrays): specification = DatasetRequest(arrays: arrays, folder: folder)
        case .memory(let samples): specification = DatasetRequest(memory: samples)
        }
        specification.columns = data.train.columns.mapValues { column in
            switch column {
            case .name(let name): .name(name)
            case .list(let names): .columns(names)
            }
        }
        return try? specification.sampleShape(of: input)
    }

    /// `outputs`, with the compile arguments of the model's file for what is left out.
    private static func readOutputs(
        _ reader: inout ConfigReader, names: [String], defaults: CompileArguments?
    ) throws(ConfigError) -> [OutputSpecification] {
        var outputReader: ConfigReader
        if let defaults, !defaults.outputs.isEmpty {
            outputReader =
                try reader.optionalDictionary("outputs")
                ?? ConfigReader(ConfigDictionary(), at: reader.path.appending("outputs"))
        } else {
            outputReader = try reader.dictionary("outputs")
        }
        for name in outputReader.keys where !names.contains(name) {
            throw outputReader.error(name, ConfigReader.unknown(name, valid: names))
        }
        var outputs: [OutputSpecification] = []
        let order =
            outputReader.keys
            + names.filter { defaults?.outputs[$0] != nil && !outputReader.keys.contains($0) }
        for name in order {
            var output =
                outputReader.keys.contains(name)
                ? try outputReader.dictionary(name)
                : ConfigReader(ConfigDictionary(), at: outputReader.path.appending(name))
            output.refusesNull = reader.refusesNull
            let written = Set(output.keys)
            let missing = (defaults?.outputs[name]?.entries ?? []).filter { !written.contains($0.key) }
            for (key, value) in missing { output = output.replacing(key, with: value) }
            do {
                outputs.append(try OutputSpecification(name, reading: &output))
            } catch {
                let isDefault = missing.contains { entry in
                    let place = output.path.appending(entry.key).description
                    return error.path.description == place
                        || [".", "["].contains { error.path.description.hasPrefix(place + $0) }
                }
                guard isDefault else { throw error }
                throw compileError(error)
            }
        }
        return outputs
    }

    private static func compileError(_ error: ConfigError) -> ConfigError {
        ConfigError(
            path: error.path,
            message: error.message
                + ". This is a compile argument of the model's file: write the key in the job instead")
    }

    private static func fromCompile<Value>(_ key: String, _ read: () throws(ConfigError) -> Value)
        throws(ConfigError) -> Value
    {
        do { return try read() } catch { throw compileError(error) }
    }

    /// An integer from 0, or, beyond what an integer of a file can be, its digits as a string.
    private static func readSeed(_ reader: inout ConfigReader) throws(ConfigError) -> UInt64 {
        let expected = "an integer from 0 to 2⁶⁴ − 1"
        if case .string(let digits)? = try reader.optionalValue("seed", expected: expected) {
            guard let seed = UInt64(digits) else {
                throw reader.error("seed", "expected \(expected), found \(quoted: digits)")
            }
            return seed
        }
        return UInt64(try reader.integer("seed", default: 0, atLeast: 0))
    }
}
