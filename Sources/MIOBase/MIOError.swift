/// How a run ends, as the shell sees it (the `sysexits.h` numbers, and four of mio's own).
public enum ExitCode: Int32, Sendable {
    /// All is done.
    case finished = 0
    /// A command line that cannot be understood.
    case usage = 64
    /// A bad job, model or data.
    case badInput = 65
    /// A file that is not there.
    case missingInput = 66
    /// A bug of mio.
    case internalError = 70
    /// The system refused memory or a file.
    case inputOutput = 74
    /// Stopped on request after a checkpoint: run again to continue.
    case stopped = 75
    /// A loss or gradient that is not finite.
    case diverged = 76
    /// The same fault again and again: trying again would not help.
    case noProgress = 79
}

/// An error that ends a run: what is wrong, where, what was expected and received, and what to do.
///
/// Modules with a closed set of errors define their own types; all of them conform, so that the programs
/// print one message and exit with one code.
public protocol MIOError: Error, Sendable, CustomStringConvertible {
    /// The exit code of a program that this error ends.
    var exitCode: ExitCode { get }
    /// The whole message, without a trailing newline.
    var description: String { get }
}

/// A failed system call on a named file.
public struct FileError: MIOError, Hashable {
    /// What was attempted.
    public let action: String
    /// The file.
    public let path: String
    /// The reason, as `strerror` words it or as the caller found it.
    public let reason: String
    /// The exit code of a program that this error ends.
    public let exitCode: ExitCode

    /// - Parameter action: what was attempted, an infinitive: "read", "rename".
    public init(action: String, path: String, reason: String, exitCode: ExitCode = .inputOutput) {
        self.action = action
        self.path = path
        self.reason = reason
        self.exitCode = exitCode
    }

    public var description: String { "cannot \(action) \(path.shown(most: 300)): \(reason)" }
}
