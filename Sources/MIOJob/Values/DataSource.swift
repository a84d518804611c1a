import MIOConfig
import MIOFiles
import MIOTensor

/// Where samples are: `data.train` of a job file.
///
///     files: "data/train-*.npz"             # a glob, or a list of them
///     files: {image: "x-*.npy", kind: "y-*.npy"}    # arrays in files of their own
///     columns: {image: x0, metadata: [age, size]}   # arrays that bear other names in the shards
public struct DataSource: Hashable, Sendable {
    public enum Files: Hashable, Sendable {
        /// Shards of several arrays each: `.npz` and `.csv` files.
        case shards([String])
        /// `.npy` files by the name of the input or output; the files of one position make a shard.
        case arrays([String: [String]])
    }

    /// Where an array is found inside a shard, if not under its own name.
    public enum Column: Hashable, Sendable {
        /// An array of a `.npz` file, or one column of a CSV file.
        case name(String)
        /// Columns of a CSV file that together make one array.
        case list([String])
    }

    /// Globs, absolute or relative to the job's folder.
    public var files: Files
    /// By the name of the input, the output, or `<output>_weight`.
    public var columns: [String: Column]

    public init(_ globs: String..., columns: [String: Column] = [:]) {
        files = .shards(globs)
        self.columns = columns
    }

    public init(files: Files, columns: [String: Column] = [:]) {
        self.files = files
        self.columns = columns
    }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
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
                if case .string(let one) = try reader.required(name) {
                    columns[name] = .name(one)
                } else {
                    columns[name] = .list(try Self.strings(name, &reader))
                }
            }
        }
        try reader.finish()
    }

    private static func strings(_ key: String, _ reader: inout ConfigReader) throws(ConfigError) -> [String] {
        let strings = try reader.strings(key)
        guard !strings.isEmpty, !strings.contains("") else {
            throw reader.error(key, "expected a string or a list of strings, none of them empty")
        }
        for (index, string) in strings.enumerated() where strings[..<index].contains(string) {
            throw reader.error(key, "names \(quoted: string) twice; keep one")
        }
        return strings
    }

    /// - Parameter folder: what relative globs are relative to; they are written absolute.
    func config(folder: String) -> ConfigDictionary {
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
        }
        if !columns.isEmpty {
            var dictionary = ConfigDictionary()
            for (name, column) in columns.sorted(by: { $0.key < $1.key }) {
                switch column {
                case .name(let one): dictionary[name] = .string(one)
                case .list(let names): dictionary[name] = .list(names.map(ConfigValue.string))
                }
            }
            entries["columns"] = .dictionary(dictionary)
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
