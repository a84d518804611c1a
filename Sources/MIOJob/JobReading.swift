import Foundation
import MIOBase
import MIOCallbacks
import MIOConfig
import MIOFiles
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
        let absolute = JobPath.absolute(path)
        return try Job(
            yaml: try read(absolute, writtenAs: path),
            folder: URL(fileURLWithPath: absolute).deletingLastPathComponent().path, file: path,
            overrides: overrides)
    }

    private static func read(_ absolute: String, writtenAs path: String) throws(JobError) -> String {
        guard Folder.exists(absolute) else {
            throw JobError(
                file: path, message: "no such file; name a job file, or make job.yaml here",
                exitCode: .missingInput)
        }
        if Folder.isFolder(absolute) {
            throw JobError(
                file: path, message: "is a folder; name the job file in it", exitCode: .missingInput)
        }
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try OpenFile.contents(of: absolute, atMost: largestFile)
        } catch {
            throw JobError(
                file: path, message: "cannot be read as a job file: \(error.reason)",
                exitCode: error.exitCode == .badInput ? .badInput : .missingInput)
        }
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
        reader.describe("model", "a mapping")
        let model = try InlineModel.read(reader.required("model"), at: reader.path.appending("model"))

        var outputReader = try reader.dictionary("outputs")
        var outputs: [OutputSpecification] = []
        let names = model.graph.outputs.map(\.name)
        for name in outputReader.keys {
            guard model.graph.shape(ofOutput: name) != nil else {
                throw outputReader.error(name, ConfigReader.unknown(name, valid: names))
            }
            var output = try outputReader.dictionary(name)
            outputs.append(try OutputSpecification(name, reading: &output))
        }
        var dataReader = try reader.dictionary("data")
        let data = try JobData(reading: &dataReader)

        reader.describe("optimizer", "an optimizer", default: .string(Adam.className))
        var optimizer: any Optimizer = Adam()
        if let value = try reader.optionalValue("optimizer", expected: "an optimizer, as adam") {
            optimizer = try OptimizerRegistry.read(value, at: reader.path.appending("optimizer"))
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
        let name =
            try reader.optionalString("name")
            ?? URL(fileURLWithPath: JobPath.absolute(folder)).lastPathComponent
        reader.describe("seed", "an integer from 0", default: 0)
        let seed = try Self.readSeed(&reader)
        let patterns = try reader.optionalValue("freeze", expected: "patterns of layers, as [\"encoder/*\"]")
        let freeze = patterns == nil ? [] : try reader.strings("freeze")
        let runDirectory = try reader.optionalString("run_directory")
        try reader.finish()
        try self.init(
            checking: name, seed: seed, model: model, outputs: outputs, data: data, optimizer: optimizer,
            training: training, communication: communication, checkpoints: checkpoints, logging: logging,
            callbacks: callbacks, freeze: freeze, runDirectory: runDirectory, folder: folder)
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
