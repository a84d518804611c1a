import Foundation
import MIOBase
import MIOConfig

/// Paths relative to a job's folder.
enum JobPath {
    /// The absolute path, without `.` and `..`, of a path relative to the working directory.
    static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

    static func absolute(_ path: String, in folder: String) -> String {
        path.hasPrefix("/") ? absolute(path) : absolute(folder + "/" + path)
    }

    /// The warning for a job that is the record of a run, and lies in a folder of a run that is not its own: a copied or
    /// moved one.
    static func copyWarning(folder: String, runDirectory: String) -> String? {
        func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
        let isRun = ["metrics.jsonl", "checkpoints"].allSatisfy {
            FileManager.default.fileExists(atPath: folder + "/" + $0)
        }
        guard isRun, resolved(folder) != resolved(runDirectory) else { return nil }
        // What a shell reads as more than a word, YAML may read as something else.
        let value = folder == folder.shellWord ? folder : ConfigValue.string(folder).json()
        return
            "run_directory: this job lies in the folder of a run, \(folder), but names another, \(runDirectory): that "
            + "one is used. For this folder add --set "
            + "run_directory=\(value)".shellWord
    }
}
