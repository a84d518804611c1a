import MIOBase
import MIOConfig
import MIOData
import MIOFiles

/// Where samples are: `data.train` of a job file.
///
///     files: "data/train-*.npz"             # a glob, or a list of them
///     files: {image: "x-*.npy", kind: "y-*.npy"}    # arrays in files of their own
///     columns: {image: x0, metadata: [age, size]}   # arrays that have other names in the shards
///     separator: ";"                        # of CSV files; "\t" for tabs, " " for runs of spaces
///     decimal: ","                          # the decimal mark of CSV files
///     missing_targets: unlabelled           # shards may lack the array of an output
public struct DataSource: Hashable, Sendable {
    /// Where samples lie.
    public enum Files: Hashable, Sendable {
        /// Shards of several arrays each: `.npz` and `.csv` files.
        case shards([String])
        /// `.npy` files by the name of the input or output; the files of one position make a shard.
        case arrays([String: [String]])
        /// No files: arrays in memory. A job file cannot say this.
        case memory(Samples)
    }

    /// Where an array is found inside a shard, if not under its own name.
    public enum Column: Hashable, Sendable {
        /// An array of a `.npz` file, or one column of a CSV file.
        case name(String)
        /// Columns of a CSV file that together make one array.
        case list([String])
    }

    /// What a shard without the array of an output is.
    public enum MissingTargets: String, Hashable, Sendable, CaseIterable {
        /// It ends the run.
        case error
        /// Its samples have no label for that output.
        case unlabelled
    }

    /// Globs, absolute or relative to the job's folder.
    public var files: Files
    /// By the name of the input, the output, or `<output>_weight`.
    public var columns: [String: Column]

    /// What separates the fields of CSV files: one ASCII character; a space stands for runs of spaces and tabs.
    public var separator: Character
    /// The decimal mark of CSV files: a point or a comma.
    public var decimal: Character
    /// What a shard without the array of an output is.
    public var missingTargets: MissingTargets
    /// Whether `columns` was left out, so that it is that of `data.train`.
    package var inheritsColumns = false

    /// Shards by globs.
    public init(_ globs: String..., columns: [String: Column] = [:]) {
        self.init(files: .shards(globs), columns: columns)
    }

    /// Arrays in memory.
    public init(_ samples: Samples) { self.init(files: .memory(samples)) }

    /// As a part of `data` of a job, with its defaults.
    public init(
        files: Files, columns: [String: Column] = [:], separator: Character = ",", decimal: Character = ".",
        missingTargets: MissingTargets = .error
    ) {
        self.files = files
        self.columns = columns
        self.separator = separator
        self.decimal = decimal
        self.missingTargets = missingTargets
    }

    /// Other files that are read as these are.
    package func replacing(files: Files) -> DataSource {
        var source = self
        source.files = files
        if case .arrays = files { source.columns = [:] }
        return source
    }

    /// - Parameter train: the training data, whose keys hold where this source says nothing else.
    init(reading reader: inout ConfigReader, inheriting train: DataSource? = nil) throws(ConfigError) {
        reader.describe("files", "a glob, a list of globs, or a mapping of them")
        if case .dictionary = try reader.required("files") {
            var arrays = try reader.dictionary("files")
            var files: [String: [String]] = [:]
            for name in arrays.keys { files[name] = try Self.strings(name, &arrays) }
            self.files = .arrays(files)
        } else {
            files = .shards(try Self.strings("files", &reader))
        }
        columns = [:]
        if var reader = try reader.optionalDictionary("columns") {
            for name in reader.keys {
                if case .string = try reader.required(name) {
                    columns[name] = .name(try reader.string(name))
                } else {
                    columns[name] = .list(try Self.strings(name, &reader))
                }
            }
        } else if let train, case .shards = files {
            columns = train.columns
            inheritsColumns = !columns.isEmpty
        }
        reader.describe("separator", "one character", default: ",")
        reader.describe("decimal", "a point or a comma", default: ".")
        separator = try Self.separator(&reader) ?? train?.separator ?? ","
        decimal = try Self.decimal(&reader) ?? train?.decimal ?? "."
        guard separator != decimal else {
            throw reader.error(
                "decimal", "is \(quoted: decimal), which separates the fields too; give separator another one"
            )
        }
        missingTargets = try reader.choice("missing_targets", default: train?.missingTargets ?? .error)
        try reader.finish()
    }

    private static func separator(_ reader: inout ConfigReader) throws(ConfigError) -> Character? {
        guard let text = reader.value("separator") == "" ? "" : try reader.optionalString("separator") else {
            return nil
        }
        // Unquoted or in single quotes YAML keeps the backslash.
        let separator = text == "\\t" ? "\t" : text
        guard separator.utf8.count == 1, let character = separator.first,
            character == "\t" || (character.isASCII && !character.isLetter && !character.isNumber),
            !"\"'\\+-.#\n\r".contains(character), character >= " " || character == "\t"
        else {
            throw reader.error(
                "separator",
                "expected one character such as \",\", \";\", \"\\t\" or \" \" (runs of spaces), found \(quoted: text)"
            )
        }
        return character
    }

    private static func decimal(_ reader: inout ConfigReader) throws(ConfigError) -> Character? {
        guard let text = try reader.optionalString("decimal") else { return nil }
        guard text == "." || text == "," else {
            throw reader.error("decimal", "expected \".\" or \",\", found \(quoted: text)")
        }
        return text.first
    }

    private static func strings(_ key: String, _ reader: inout ConfigReader) throws(ConfigError) -> [String] {
        let strings = try reader.strings(key)
        guard !strings.isEmpty, !strings.contains("") else {
            throw reader.error(key, "expected a string or a list of strings, none of them empty")
        }
        var seen: Set<String> = []
        for string in strings where !seen.insert(string).inserted {
            throw reader.error(key, "names \(quoted: string) twice; keep one")
        }
        return strings
    }

    /// - Parameters:
    ///   - folder: what relative globs are relative to; they are written absolute.
    ///   - train: the training data, whose keys need not be written again.
    func config(folder: String, inheriting train: DataSource? = nil) -> ConfigDictionary {
        func absolute(_ globs: [String]) -> ConfigValue {
            .list(globs.map { .string(Glob.absolute($0, in: folder)) })
        }
        var entries = ConfigDictionary()
        switch files {
        case .shards(let globs): entries["files"] = absolute(globs)
        case .arrays(let arrays):
            var dictionary = ConfigDictionary()
            for (name, globs) in arrays.sorted(by: { $0.key < $1.key }) { dictionary[name] = absolute(globs) }
            entries["files"] = .dictionary(dictionary)
        case .memory(let samples): entries["files"] = .string("in memory: \(samples)")
        }
        var inherited: [String: Column] = [:]
        if let train, case .shards = files { inherited = train.columns }
        if columns != inherited {
            var dictionary = ConfigDictionary()
            for (name, column) in columns.sorted(by: { $0.key < $1.key }) {
                switch column {
                case .name(let one): dictionary[name] = .string(one)
                case .list(let names): dictionary[name] = .list(names.map(ConfigValue.string))
                }
            }
            entries["columns"] = .dictionary(dictionary)
        }
        if separator != train?.separator ?? "," { entries["separator"] = .string(String(separator)) }
        if decimal != train?.decimal ?? "." { entries["decimal"] = .string(String(decimal)) }
        if missingTargets != train?.missingTargets ?? .error {
            entries["missing_targets"] = .string(missingTargets.rawValue)
        }
        return entries
    }

    /// The names of inputs and outputs that are mentioned, and the key under which each is.
    var names: [(key: String, name: String)] {
        var names = columns.keys.sorted().map { (key: "columns", name: $0) }
        if case .arrays(let arrays) = files { names += arrays.keys.sorted().map { (key: "files", name: $0) } }
        return names
    }
}
