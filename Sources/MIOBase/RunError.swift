/// A message and an exit code: an error that has nothing else to say to a program.
public struct RunError: MIOError, Hashable {
    /// What is wrong, and what to do.
    public let message: String
    /// The exit code of a program that this error ends.
    public let exitCode: ExitCode

    /// An error with a whole message.
    public init(_ message: String, exitCode: ExitCode) {
        self.message = message
        self.exitCode = exitCode
    }

    public var description: String { message }
}
