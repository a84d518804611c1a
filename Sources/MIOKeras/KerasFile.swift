import MIOBase
import MIOConfig
import MIOFiles
import MIOGraph

/// A file of Keras with a model, and perhaps weights, an optimizer's variables and compile arguments.
package struct KerasFile: Sendable {
    /// What a file is.
    package enum Format: String, Sendable {
        /// The zip archive of Keras 3.
        case keras = "Keras 3 (.keras)"
        /// A whole model in HDF5: Keras 2, and Keras 3 where the name ends in `.h5`.
        case legacyModel = "Keras 2 (HDF5)"
        /// Weights alone, of Keras 3.
        case weights = "weights of Keras 3 (HDF5)"
        /// Weights alone, of Keras 2.
        case legacyWeights = "weights of Keras 2 (HDF5)"
    }

    /// Far more than the configuration of any model has.
    private static let largestConfiguration = 64 << 20

    /// As it was named.
    package let path: String
    package let format: Format
    /// `config.json` or `model_config`.
    package let config: ConfigValue
    /// `2.15.0`, or empty.
    package let kerasVersion: String
    /// Keras' compile arguments; `nil` for a model that was not compiled.
    package let compileConfig: ConfigDictionary?

    /// Whether a name is one of a file of Keras.
    package static func isNamed(_ path: String) -> Bool {
        [".keras", ".h5", ".hdf5"].contains { path.lowercased().hasSuffix($0) }
    }

    /// Reads a file's model and compile arguments, not its weights.
    /// - Throws: `FileError`; `KerasFileError` if it is no such file or has no model.
    package init(_ path: String) throws {
        let file = try MappedFile(path)
        self.path = path
        if HDF5File.isHDF5(file.bytes) {
            let hdf5 = try HDF5File(image: Array(file.bytes), name: path)
            guard let text = try hdf5.strings(ofAttribute: "model_config")?.first else {
                throw KerasFileError(
                    path,
                    "has weights and no model; name a file that model.save wrote, or write the model in the job and name this file under weights"
                )
            }
            format = .legacyModel
            config = try Self.json(Array(text.utf8), of: path, "model_config")
            kerasVersion = try hdf5.strings(ofAttribute: "keras_version")?.first ?? ""
            if let training = try hdf5.strings(ofAttribute: "training_config")?.first,
                case .dictionary(let compile) = try Self.json(
                    Array(training.utf8), of: path, "training_config")
            {
                compileConfig = compile
            } else {
                compileConfig = nil
            }
            return
        }
        guard file.bytes.starts(with: [0x50, 0x4B]) else {
            throw KerasFileError(
                path,
                "expected a .keras file (a zip archive) or HDF5, found neither; save the model again with Keras"
            )
        }
        let archive = try ZipArchive(file)
        format = .keras
        config = try Self.json(
            archive.contents(of: "config.json", atMost: Self.largestConfiguration), of: path, "config.json")
        let metadata = try Self.json(
            archive.contents(of: "metadata.json", atMost: 1 << 20), of: path, "metadata.json")
        if case .dictionary(let entries) = metadata, case .string(let version)? = entries["keras_version"] {
            kerasVersion = version
        } else {
            kerasVersion = ""
        }
        if case .dictionary(let entries) = config, case .dictionary(let compile)? = entries["compile_config"]
        {
            compileConfig = compile
        } else {
            compileConfig = nil
        }
    }

    private static func json(_ bytes: [UInt8], of path: String, _ part: String) throws(KerasFileError)
        -> ConfigValue
    {
        do {
            return try ConfigValue(orderedJSON: bytes)
        } catch {
            throw KerasFileError(path, part, "\(error.message); the file is damaged")
        }
    }
}
