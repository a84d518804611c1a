import MIOTensor

/// Why a run cannot start or go on, beyond what data, job and checkpoints say themselves.
public struct RunError: MIOError, Hashable {
    public let message: String
    public let exitCode: ExitCode

    public init(_ message: String, exitCode: ExitCode) {
        self.message = message
        self.exitCode = exitCode
    }

    public var description: String { message }
}

/// How a run ended that did not fail.
public enum RunOutcome: Sendable, Hashable {
    case finished
    /// On request, after a checkpoint.
    case stopped

    public var exitCode: ExitCode { self == .finished ? .finished : .stopped }
}

/// What a run continues from.
public enum ResumeMode: Hashable, Sendable {
    /// The run directory's newest valid checkpoint; from the start if there is none.
    case automatic
    /// From the start; the run directory's checkpoints are removed.
    case never
    /// This checkpoint's folder.
    case checkpoint(path: String)

    /// `auto`, `never`, or a path.
    public init(_ text: String) {
        switch text {
        case "auto": self = .automatic
        case "never": self = .never
        default: self = .checkpoint(path: text)
        }
    }
}
