import MIOBase

/// Whose work the ranks agree on, and so whether an error names the rank that met it.
package enum AgreedWork: Hashable, Sendable {
    /// Each rank does all of it: a rank that fails where others do not has another machine, or other files.
    case ofEachRank
    /// One rank does it for all: which one is of no interest to the user.
    case ofOneRank
    /// Each rank does a share. What is wrong with the job or the data is wrong for all ranks, and another number of
    /// ranks would give it to another one; only what fails on the rank's machine (`ExitCode.inputOutput`) is its own.
    case inShares
}

extension AgreedWork {
    func namesRank(_ code: ExitCode) -> Bool {
        switch self {
        case .ofEachRank: true
        case .ofOneRank: false
        case .inShares: [.inputOutput, .internalError].contains(code)
        }
    }
}
