import Foundation
import MIOBase
import MIOData
import MIOFiles
import MIOJob

/// Which samples to evaluate or predict.
public enum DataSelection: Hashable, Sendable {
    /// `data.test` of the job, else `data.validation`.
    case automatic
    /// `train`, `validation` or `test` of the job's `data`.
    case part(String)
    /// Other data, written as the option `--data`: globs of shards, or `NAME=GLOB` for the `.npy` files of an array;
    /// relative to the working directory. It is read as `data.train` is: its columns, separator, decimal mark, classes.
    case files([String])

    /// The parts that a job may have.
    public static let parts = ["train", "validation", "test"]

    /// One glob of shards, or of an array's files.
    public static func files(_ glob: String) -> DataSelection { .files([glob]) }

    /// `train`, `validation`, `test`, or globs; `automatic` for nothing.
    public init(_ texts: [String]) {
        switch texts.count {
        case 0: self = .automatic
        case 1 where Self.parts.contains(texts[0]): self = .part(texts[0])
        default: self = .files(texts)
        }
    }

    /// - Throws: `RunError` if the job has no such data, or names of parts and files are mixed.
    package func select(in job: Job) throws(RunError) -> SelectedData {
        let present = job.data.parts
        switch self {
        case .automatic:
            for key in ["test", "validation"] {
                if let part = present.first(where: { $0.key == key }) {
                    return SelectedData(key: key, source: part.source)
                }
            }
            throw RunError(
                "the job has neither data.test nor data.validation; add one, or choose with --data: train, or "
                    + "a glob of shards", exitCode: .usage)
        case .part(let key):
            if let part = present.first(where: { $0.key == key }) {
                return SelectedData(key: key, source: part.source)
            }
            throw RunError(
                "the job has no data.\(key); it has "
                    + present.map { "data.\($0.key)" }.joined(separator: ", "), exitCode: .usage)
        case .files(let texts):
            return SelectedData(
                files: job.data.train.replacing(files: try Self.files(texts, in: job)), named: texts)
        }
    }

    private static func files(_ texts: [String], in job: Job) throws(RunError) -> DataSource.Files {
        let outputs = job.graph.outputs.map(\.name)
        let names = job.graph.inputs.map(\.name) + outputs + outputs.map { $0 + "_weight" }
        var globs: [String] = []
        var arrays: [String: [String]] = [:]
        for text in texts {
            if texts.count > 1, parts.contains(text) {
                throw RunError(
                    "--data \(text): stands for data.\(text) of the job, which goes with nothing else; name its files "
                        + "instead (a file of that name: ./\(text))", exitCode: .usage)
            }
            let folder = FileManager.default.currentDirectoryPath
            guard let equals = text.firstIndex(of: "="), !text[..<equals].contains("/"),
                text.lowercased().hasSuffix(".npy")
            else {
                globs.append(Glob.absolute(text, in: folder))
                continue
            }
            let name = String(text[..<equals])
            guard names.contains(name) else {
                throw RunError(
                    "--data \(text): the model has no input or output \(quoted: name)"
                        + (nearestName(to: name, in: names).map { "; the nearest is \(quoted: $0)" } ?? "")
                        + ". Its arrays are " + listed(names, most: 12), exitCode: .usage)
            }
            arrays[name, default: []].append(
                Glob.absolute(String(text[text.index(after: equals)...]), in: folder))
        }
        guard globs.isEmpty || arrays.isEmpty else {
            throw RunError(
                "--data has files of several arrays and .npy files of one array each; give one kind",
                exitCode: .usage)
        }
        return arrays.isEmpty ? .shards(globs) : .arrays(arrays)
    }
}

/// A part of a job's data, or other data that is read like one.
package struct SelectedData {
    /// What results call it: `test`, or the globs.
    package let name: String
    /// What messages call it: `data.test`, or `--data` with the globs.
    package let place: String
    private let key: String
    private let source: DataSource
    private let filesKey: String?

    /// A part of the job.
    init(key: String, source: DataSource) {
        name = key
        place = source.place(key: key)
        self.key = key
        self.source = source
        filesKey = nil
    }

    /// Files of the command line.
    init(files source: DataSource, named texts: [String]) {
        name = texts.joined(separator: " ")
        place = "--data " + name
        key = "train"
        self.source = source
        filesKey = "--data"
    }

    package var isTraining: Bool { filesKey == nil && key == "train" }

    package func datasetRequest(of job: Job) -> DatasetRequest {
        source.datasetRequest(of: job, key: key, filesKey: filesKey)
    }
}
