/// A message and an exit code: an error that has nothing else to say to a program.
package struct RunError: MIOError, Hashable {
    /// What is wrong, and what to do.
    package let message: String
    /// The exit code of a program that this error ends.
    package let exitCode: ExitCode

    /// An error with a whole message.
    package init(_ message: String, exitCode: ExitCode) {
        self.message = message
        self.exitCode = exitCode
    }

    package var description: String { message }
}
