import MIOBase
import MIOConfig
import MIOFiles
import MIOGraph
import MIOKeras

/// A model that a job names by its file: `model: garments.keras`.
///
///     model: {file: garments.keras, inputs: {text: {shape: [80]}}}   # gives the axes that the file leaves open
///
/// - `file`: of Keras 3 (`.keras`) or Keras 2 (`.h5`), relative to the job file.
/// - `inputs`: for inputs whose axes are None in the file, the shape of one sample.
struct FileModel {
    let keras: KerasModel
    /// Absolute.
    let file: String

    /// - Parameter shapeInData: the shape that a sample of an input has in the training data, if that can be known.
    /// - Returns: `nil` if the value is an inline model.
    static func read(
        _ value: ConfigValue, at path: ConfigPath, folder: String, shapeInData: (String) -> Shape?
    ) throws(ConfigError) -> FileModel? {
        switch value {
        case .string(let file): return try FileModel(file, [:], at: path, folder: folder, shapeInData)
        case .dictionary(let entries) where entries["file"] != nil && entries["layers"] == nil:
            var reader = try ConfigReader(value, at: path)
            let file = try reader.string("file")
            var shapes: [String: Shape] = [:]
            if var inputs = try reader.optionalDictionary("inputs") {
                for name in inputs.keys {
                    var input = try inputs.dictionary(name)
                    let dimensions = try input.integerList("shape")
                    guard dimensions.allSatisfy({ $0 >= 1 && $0 <= 1 << 31 }) else {
                        throw input.error(
                            "shape", "expected positive dimensions (without the batch), found \(dimensions)")
                    }
                    try input.finish()
                    shapes[name] = Shape(dimensions)
                }
            }
            try reader.finish()
            return try FileModel(file, shapes, at: path, folder: folder, shapeInData)
        default: return nil
        }
    }

    private init(
        _ file: String, _ shapes: [String: Shape], at path: ConfigPath, folder: String,
        _ shapeInData: (String) -> Shape?
    ) throws(ConfigError) {
        let absolute = JobPath.absolute(file, in: folder)
        self.file = absolute
        guard !Folder.isMissing(absolute) else {
            throw ConfigError(
                path: path,
                message:
                    "no such file: \(absolute.shown(most: 300)); name a .keras file, or write the model inline",
                exitCode: .missingInput)
        }
        do {
            keras = try KerasModel(KerasFile(absolute), inputs: shapes, others: shapeInData)
        } catch let error as KerasFileError {
            throw ConfigError(path: path, message: "\(file.shown(most: 300)): \(error.message)")
        } catch {
            throw ConfigError(
                path: path, message: "\(error)",
                exitCode: (error as? FileError)?.exitCode == .badInput ? .badInput : .missingInput)
        }
    }
}
