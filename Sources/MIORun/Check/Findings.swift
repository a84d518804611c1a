import MIOTensor

/// What a check has found: errors, which would end the run, and what a person should look at.
public struct Findings: Sendable {
    public struct Finding: Hashable, Sendable {
        public let message: String
        public let exitCode: ExitCode
    }

    public private(set) var errors: [Finding] = []
    public private(set) var warnings: [String] = []

    mutating func add(_ error: any Error) {
        let known = error as? any MIOError
        addError(
            (known?.description ?? "\(error)").shownMessage(), exitCode: known?.exitCode ?? .internalError)
    }

    /// Adds that memory is short: an error, or a warning where the ranks would run on other machines.
    mutating func addMemory(_ error: any Error, isElsewhere: Bool) {
        guard isElsewhere else { return add(error) }
        warn("\(error)".shownMessage() + "; how the ranks spread over machines is not known here")
    }

    mutating func addError(_ message: String, exitCode: ExitCode = .badInput) {
        let finding = Finding(message: message, exitCode: exitCode)
        if !errors.contains(finding) { errors.append(finding) }
    }

    mutating func warn(_ message: String) {
        if !warnings.contains(message) { warnings.append(message) }
    }
}
