import MIOBase
import MIOComm
import MIORunFolder
import MIOSystem

extension RunEnd {
    /// How a run ended that an error ended.
    package init(_ error: any Error, step: Int?) {
        let text = String(describing: error).shownMessage(keepsNewlines: true)
        let code = (error as? any MIOError)?.exitCode ?? .internalError
        self.init(
            EndCause(code, text), text: text, exitCode: Int(code.rawValue), step: step)
        if let error = error as? AgreedError, error.ranks.count < error.worldSize { rank = error.ranks.first }
    }
}

extension EndCause {
    /// What an error's exit code and the system's own words in its message show.
    package init(_ code: ExitCode, _ text: String) {
        func tells(_ number: Int32) -> Bool { text.contains(String(cString: strerror(number))) }
        self =
            switch code {
            case .finished: .finished
            case .stopped: .stoppedByUser
            case .diverged: .diverged
            case .usage, .badInput, .missingInput: .badInput
            case .noProgress: .noProgress
            case .inputOutput where tells(ENOSPC) || tells(EDQUOT): .diskFull
            case .inputOutput where tells(ENOMEM) || text.contains("memory"): .outOfMemory
            case .inputOutput, .internalError: .unknown
            }
    }
}
