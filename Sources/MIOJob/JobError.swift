import MIOBase
import MIOConfig

/// A job that cannot be run: `job.yaml:12: model.layers[2].filters: expected an integer, found "many"`.
public struct JobError: MIOError, Hashable {
    /// The job file as it was named, or the command line's `--set …` that is to blame; `nil` for a job
    /// built in Swift.
    public let file: String?
    /// Counted from 1; `nil` where no one line is to blame.
    public let line: Int?
    /// The key, by its dotted path; empty where the whole file is concerned.
    package let path: ConfigPath
    /// What is wrong, what was expected and received, and what to do.
    public let message: String
    /// The exit code of a program that this error ends.
    public let exitCode: ExitCode

    package init(
        file: String? = nil, line: Int? = nil, path: ConfigPath = ConfigPath(), message: String,
        exitCode: ExitCode = .badInput
    ) {
        self.file = file
        self.line = line
        self.path = path
        self.message = message
        self.exitCode = exitCode
    }

    init(_ error: ConfigError) {
        self.init(path: error.path, message: error.message, exitCode: error.exitCode)
    }

    public var description: String {
        var parts: [String] = []
        if let file {
            let name = file.shown(most: 300)
            parts.append(line.map { "\(name):\($0)" } ?? name)
        }
        if !path.description.isEmpty { parts.append(path.shown) }
        return (parts + [message]).joined(separator: ": ")
    }
}
