import MIOBase

/// How a run ended that did not fail.
public enum RunOutcome: Sendable, Hashable {
    /// All epochs are done.
    case finished
    /// On request, after a checkpoint.
    case stopped

    /// The exit code of a program that ends so.
    public var exitCode: ExitCode { self == .finished ? .finished : .stopped }
}
