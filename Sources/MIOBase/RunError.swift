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
