/// Where the samples of a data set are: the `data.train` of a job, as a value.
public struct DataSpecification: Hashable, Sendable {
    public enum Files: Hashable, Sendable {
        /// Shards of several arrays each: `.npz` and `.csv` files.
        case shards([String])
        /// `.npy` files by the name of their array; the files of one position make a shard.
        case arrays([String: [String]])
    }

    /// Where an array is found inside a shard, if not under its own name.
    public enum Source: Hashable, Sendable {
        /// An array of an `.npz` file, or one column of a CSV file.
        case name(String)
        /// Columns of a CSV file that together make one array of shape `(columns,)`.
        case columns([String])

        var columnNames: [String] {
            switch self {
            case .name(let name): [name]
            case .columns(let names): names
            }
        }
    }

    /// Globs as the shell has them (`*`, `?`, `[a-z]`), relative to `folder` or absolute.
    public var files: Files
    /// The source of each array whose name in the shards is another.
    public var columns: [String: Source]
    /// What relative globs are relative to, and what is left out of file names in the manifest.
    public var folder: String

    public init(files: [String], columns: [String: Source] = [:], folder: String = ".") {
        self.files = .shards(files)
        self.columns = columns
        self.folder = folder
    }

    /// Shards of `.npy` files: `["image": ["x-*.npy"], "kind": ["y-*.npy"]]`.
    public init(arrays: [String: [String]], folder: String = ".") {
        files = .arrays(arrays)
        columns = [:]
        self.folder = folder
    }

    func source(of array: String) -> Source { columns[array] ?? .name(array) }
}
