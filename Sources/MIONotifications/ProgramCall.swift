import Foundation
import MIOBase
import MIOProcess

/// A program that reads a notification.
struct ProgramCall {
    let arguments: [String]
    let environment: [String: String]

    /// Of its output, for the message about a failure.
    private static let mostKept = 4096

    init(_ arguments: [String], environment: [String: String]) {
        self.arguments = arguments
        self.environment = environment
    }

    func outcome(reading input: [UInt8], within seconds: Double, isAbandoned: () -> Bool) -> SendOutcome {
        guard ProgramPath.find(arguments[0], environment: environment) != nil else {
            return failed("there is no program \(quoted: arguments[0])")
        }
        let program: RunningProgram
        do throws(RunError) {
            program = try RunningProgram(
                arguments, environment: environment, reading: input, keeping: .last(Self.mostKept))
        } catch { return failed(error.message) }
        switch program.wait(atMost: seconds, isAbandoned: isAbandoned) {
        case .exited(0): return .sent
        case .exited(let status): return failed("ended with \(status)" + words(program))
        case .killed(let signal): return failed("was ended by signal \(signal)" + words(program))
        case .late: return failed("took too long and was ended")
        case .abandoned: return failed("was ended, because nobody waited for it any more")
        }
    }

    private func failed(_ text: String) -> SendOutcome { .failed(text, mayBeTriedAgain: false) }

    private func words(_ program: RunningProgram) -> String {
        let words = program.text.trimmingCharacters(in: .whitespacesAndNewlines)
        return words.isEmpty ? "" : ": " + words.replacing("\n", with: "; ").shown(most: 300)
    }
}
