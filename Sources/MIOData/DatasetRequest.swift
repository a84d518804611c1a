import MIOBatches

/// What a `Dataset` is asked to open: a data source of a job with its places worked out, or samples in memory.
package struct DatasetRequest: Hashable, Sendable {
    package enum Files: Hashable, Sendable {
        /// Shards of several arrays each: `.npz` and `.csv` files.
        case shards([String])
        /// `.npy` files by the name of their array; the files of one position make a shard.
        case arrays([String: [String]])
        /// No files: arrays in memory.
        case memory(Samples)
    }

    /// Where an array is found inside a shard, if not under its own name.
    package enum Source: Hashable, Sendable {
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
    package var files: Files
    /// The source of each array whose name in the shards is another.
    package var columns: [String: Source]
    /// What relative globs are relative to, and what is left out of file names in the manifest.
    package var folder: String
    /// The part of the job that the keys are in, for messages: `data.train`.
    package var section = "data"
    /// Where the globs are written, for messages: `data.train.files`, or an option of a program.
    package var filesKey = "data.files"
    /// How CSV files are written.
    package var dialect = CSVDialect()
    /// The texts of CSV columns that hold texts, by the column's name: a text is read as its position.
    package var classes: [String: [String]] = [:]
    /// Whether shards may lack the array of an output: their samples then have no label for it.
    package var targetsMayBeMissing = false
    /// The shards of the data sets before it, with which `ReadingMark` counts on.
    package var shardsBefore = 0
    /// Whether `columns` is that of the training data, for messages.
    package var inheritsColumns = false

    package init(files: [String], columns: [String: Source] = [:], folder: String = ".") {
        self.files = .shards(files)
        self.columns = columns
        self.folder = folder
    }

    /// Shards of `.npy` files: `["image": ["x-*.npy"], "kind": ["y-*.npy"]]`.
    package init(arrays: [String: [String]], folder: String = ".") {
        files = .arrays(arrays)
        columns = [:]
        self.folder = folder
    }

    /// Arrays in memory.
    package init(memory samples: Samples) {
        files = .memory(samples)
        columns = [:]
        folder = "."
    }

    /// What warnings begin with: the section of the job, or the option that names the files.
    var place: String { filesKey.hasPrefix("-") ? filesKey : section }

    func source(of array: String) -> Source { columns[array] ?? .name(array) }

    /// Whether the job names the array, so that it must be there.
    package func names(_ request: ColumnRequest) -> Bool { columns[request.name] != nil }

    /// The value of an array's elements in a shard that lacks it; `nil` if such a shard is an error. Sample weights that
    /// `columns` names must be there.
    func valueWhereAbsent(_ request: ColumnRequest) -> Float? {
        switch request.role {
        case .input: nil
        case .target: targetsMayBeMissing ? .nan : nil
        case .weight: columns[request.name] == nil ? 1 : nil
        }
    }
}
