import Foundation
import MIOBase
import MIOConfig
import MIOFiles
import MIOFormats

/// The name and the Keras shape of one of a model's variables.
package struct StoredWeight: Hashable, Sendable, CustomStringConvertible {
    package let name: String
    package let shape: Shape

    package init(name: String, shape: Shape) {
        self.name = name
        self.shape = shape
    }

    package var description: String { "\(quoted: name) of shape \(shape)" }
}

/// Where a training stands, and which files hold its tensors: the content of `manifest.json`.
package struct CheckpointManifest: Hashable, Sendable {
    /// The newest format this mio reads. It writes the oldest that can say all: 2 has callbacks' states and the best epoch's
    /// weights, 3 an epoch's numbers.
    package static let formatVersion = 3

    /// One file of the checkpoint.
    package struct File: Hashable, Sendable {
        package let name: String
        package let digest: FileDigest

        package init(name: String, digest: FileDigest) {
            self.name = name
            self.digest = digest
        }
    }

    /// The mio that wrote it.
    package var mioVersion: String
    /// Optimizer steps done since the training began.
    package var step: Int
    /// The epoch that the next step belongs to, 0 for the first.
    package var epoch: Int
    /// Samples of that epoch consumed.
    package var position: Int
    package var seed: Int
    package var jobName: String
    /// Ranks of the run that wrote it; any other number may continue.
    package var worldSize: Int
    /// The model's fingerprint: its variables in order, as `weights.safetensors` holds them.
    package var model: [StoredWeight]
    /// What else the training needs to continue, opaque here: metric accumulators, callbacks, counters.
    /// Every double comes back bit for bit.
    package var state: ConfigValue
    /// The numbers of the epoch whose end it was written at, by log names; none where nobody compares checkpoints by them,
    /// and inside of an epoch. Every double comes back bit for bit.
    package var logs: [String: Double]
    package var files: [File]

    package init(
        mioVersion: String, step: Int, epoch: Int, position: Int, seed: Int, jobName: String, worldSize: Int,
        model: [StoredWeight], state: ConfigValue, logs: [String: Double] = [:], files: [File] = []
    ) {
        self.mioVersion = mioVersion
        self.step = step
        self.epoch = epoch
        self.position = position
        self.seed = seed
        self.jobName = jobName
        self.worldSize = worldSize
        self.model = model
        self.state = state
        self.logs = logs
        self.files = files
    }

    /// - Parameters:
    ///   - model: the variables of the model that wants to continue, in order.
    ///   - path: the checkpoint, for the message.
    /// - Throws: `CheckpointError` that names the first difference.
    package func verifyMatches(_ model: [StoredWeight], path: String) throws(CheckpointError) {
        guard model != self.model else { return }
        let index = zip(model, self.model).enumerated().first { $1.0 != $1.1 }?.offset
        let difference: String
        if let index {
            difference = "weight \(index): expected \(model[index]), received \(self.model[index])"
        } else {
            let count = min(model.count, self.model.count)
            let extra =
                model.count > count
                ? "the checkpoint lacks \(model[count])" : "the checkpoint also has \(self.model[count])"
            difference =
                "expected \(counted(model.count, "weight")), received \(self.model.count): \(extra)"
        }
        throw CheckpointError(
            .anotherModel, path: path,
            message: "the checkpoint is of another model: \(difference); restore the model it was made with, "
                + "choose another run_directory, or start over with --resume never")
    }
}

// MARK: manifest.json

extension CheckpointManifest {
    /// What every version of the file begins with: then eight hexadecimal digits, the CRC-32 of the whole
    /// text with zeros in their place. A flipped bit anywhere in the file is found.
    private static let prefix = "{\n  \"checksum\": \""

    private var hasCallbacks: Bool {
        guard case .dictionary(let state) = state else { return files.count > 2 }
        return files.count > 2 || state["callbacks"] != nil
    }

    var json: [UInt8] {
        var dictionary: ConfigDictionary = [
            "checksum": "00000000",
            "format_version": .integer(!logs.isEmpty ? 3 : hasCallbacks ? 2 : 1),
            "mio_version": .string(mioVersion),
            "job": .string(jobName),
            "step": .integer(step),
            "epoch": .integer(epoch),
            "position": .integer(position),
            "seed": .integer(seed),
            "world_size": .integer(worldSize),
        ]
        dictionary["files"] = .list(
            files.map { file in
                [
                    "name": .string(file.name), "size": .integer(file.digest.size),
                    "crc32": .string(Self.hexadecimal(file.digest.checksum)),
                ] as ConfigDictionary
            }.map(ConfigValue.dictionary))
        dictionary["model"] = .list(
            model.map { weight in
                .dictionary(["name": .string(weight.name), "shape": .init(weight.shape.dimensions)])
            })
        dictionary["state"] = ExactValue.encode(state)
        if !logs.isEmpty {
            var numbers = ConfigDictionary()
            for (name, value) in logs.sorted(by: { $0.key < $1.key }) { numbers[name] = .real(value) }
            dictionary["logs"] = ExactValue.encode(.dictionary(numbers))
        }
        var text = Array((ConfigValue.dictionary(dictionary).json(indentation: 2) + "\n").utf8)
        let start = Self.prefix.utf8.count
        text.replaceSubrange(start..<start + 8, with: Self.hexadecimal(CRC32.of(text)).utf8)
        return text
    }

    /// - Parameter path: the checkpoint's folder, for messages.
    /// - Throws: `CheckpointError`: damaged, or of a newer format.
    init(json text: [UInt8], path: String) throws(CheckpointError) {
        func damaged(_ message: String) -> CheckpointError {
            CheckpointError(.damaged, path: path, message: message)
        }
        let start = Self.prefix.utf8.count
        guard text.starts(with: Self.prefix.utf8), text.count > start + 8 else {
            throw damaged("manifest.json does not begin with its checksum; it is cut short or not mio's")
        }
        let stored = String(decoding: text[start..<start + 8], as: UTF8.self)
        var blank = text
        blank.replaceSubrange(start..<start + 8, with: "00000000".utf8)
        let computed = Self.hexadecimal(CRC32.of(blank))
        guard stored == computed else {
            throw damaged(
                "manifest.json is damaged: expected the checksum \(stored), its content has \(computed)")
        }
        let newer: (version: Int, mio: String?)
        do throws(ConfigError) {
            var reader = try ConfigReader(try ConfigValue(json: Data(text)), at: ConfigPath())
            let version = try reader.integer("format_version", atLeast: 1)
            // The rest of a newer version's manifest may mean anything.
            if version <= Self.formatVersion {
                try self.init(&reader)
                return
            }
            newer = (version, try reader.optionalString("mio_version"))
        } catch {
            throw damaged("manifest.json: \(error)")
        }
        throw CheckpointError(
            .newerFormat, path: path,
            message: "written in checkpoint format \(newer.version) by mio "
                + "\(newer.mio ?? "of an unknown version"); this mio reads formats up to "
                + "\(Self.formatVersion): upgrade mio")
    }

    private init(_ reader: inout ConfigReader) throws(ConfigError) {
        _ = reader.value("checksum")
        mioVersion = try reader.string("mio_version")
        jobName = try reader.string("job")
        // Far beyond what any training counts to, and little enough to count on from.
        let most = 1 << 53
        step = try reader.integer("step", atLeast: 0, atMost: most)
        epoch = try reader.integer("epoch", atLeast: 0, atMost: most)
        position = try reader.integer("position", atLeast: 0, atMost: most)
        seed = try reader.integer("seed")
        worldSize = try reader.integer("world_size", atLeast: 1)
        model = []
        for (index, value) in try Self.list("model", &reader).enumerated() {
            var entry = try ConfigReader(value, at: ConfigPath("model").appending(index: index))
            let shape = try entry.integerList("shape")
            guard shape.allSatisfy({ $0 >= 0 }) else {
                throw entry.error("shape", "expected dimensions of at least 0, found \(shape)")
            }
            model.append(StoredWeight(name: try entry.string("name"), shape: Shape(shape)))
        }
        files = []
        for (index, value) in try Self.list("files", &reader).enumerated() {
            var entry = try ConfigReader(value, at: ConfigPath("files").appending(index: index))
            guard let checksum = UInt32(try entry.string("crc32"), radix: 16) else {
                throw entry.error("crc32", "expected eight hexadecimal digits")
            }
            let size = try entry.integer("size", atLeast: 0)
            files.append(
                File(name: try entry.string("name"), digest: FileDigest(size: size, checksum: checksum)))
        }
        state = try ExactValue.decode(reader.value("state") ?? .null, at: ConfigPath("state"))
        logs = [:]
        if let value = reader.value("logs") {
            var numbers = try ConfigReader(
                try ExactValue.decode(value, at: ConfigPath("logs")), at: ConfigPath("logs"))
            for name in numbers.keys { logs[name] = try numbers.real(name) }
        }
        try reader.finish()
    }

    private static func list(_ key: String, _ reader: inout ConfigReader) throws(ConfigError) -> [ConfigValue]
    {
        guard case .list(let values) = try reader.required(key) else {
            throw reader.error(key, "expected a list")
        }
        return values
    }

    static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
