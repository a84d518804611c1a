import MIOBase

/// How a run ended that did not fail.
public enum RunOutcome: Sendable, Hashable {
    case finished
    /// On request, after a checkpoint.
    case stopped

    public var exitCode: ExitCode { self == .finished ? .finished : .stopped }
}
