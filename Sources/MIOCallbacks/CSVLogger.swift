import MIOBase
import MIOConfig

/// Writes a line of each epoch to a CSV file: `epoch`, which counts from 0, and the epoch's numbers in the order of their names.
///
/// A run that continues from a checkpoint drops the lines of later epochs and goes on, so no epoch is there twice or missing.
///
/// Source: https://keras.io/api/callbacks/csv_logger/
public struct CSVLogger: Callback, Hashable {
    public static let className = "CSVLogger"

    /// The file; a relative path is relative to the run's folder.
    public let filename: String
    /// Between two fields.
    public let separator: String
    /// Whether a run that starts keeps the lines that are there.
    public let append: Bool

    /// - Precondition: `filename` is not empty, `separator` is one character.
    public init(_ filename: String = "epochs.csv", separator: String = ",", append: Bool = false) {
        precondition(!filename.isEmpty && separator.count == 1)
        self.filename = filename
        self.separator = separator
        self.append = append
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        reader.describe("filename", "a path", default: "epochs.csv")
        filename = try reader.optionalString("filename") ?? "epochs.csv"
        reader.describe("separator", "one character", default: ",")
        separator = try reader.optionalString("separator") ?? ","
        guard separator.unicodeScalars.count == 1, !"\"\n\r".contains(separator) else {
            throw reader.error("separator", "expected one character, found \(quoted: separator)")
        }
        append = try reader.boolean("append", default: false)
    }

    public var arguments: ConfigDictionary {
        [
            "filename": .string(filename), "separator": .string(separator), "append": .boolean(append),
        ]
    }
}
