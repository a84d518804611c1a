import Foundation
import MIOLaunch
import MIOProcess

/// The error messages of an `mpirun` that fails before a rank has started. In a run it is quiet, because the ranks say
/// everything else themselves.
enum LauncherWords {
    private static let mostSeconds = 30.0
    /// `mpirun` ends what it has started on other machines first.
    private static let secondsToEnd = 5.0
    private static let mostBytes = 1 << 16

    struct Answer {
        /// The program was started, and has ended with success.
        var works: Bool
        /// What was written; `nil` if nothing was.
        var words: String?
    }

    /// Launches a program that does nothing in the same way, not quietly.
    /// - Returns: `nil` if the launcher itself cannot be started.
    static func ask(_ line: LaunchLine, program: [String]) -> Answer? {
        let aloud = line.aloud(of: program)
        let variables = Dictionary(
            aloud.environment.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        let environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        guard
            let call = try? RunningProgram(
                aloud.arguments, environment: environment, keeping: .first(mostBytes), farewell: SIGTERM)
        else { return nil }
        let end = call.wait(
            atMost: mostSeconds, secondsToEnd: secondsToEnd, isAbandoned: { ChildProcess.isRequested })
        let text = call.text.trimmingCharacters(in: .whitespacesAndNewlines)
        return Answer(works: end == .exited(0), words: text.isEmpty ? nil : text)
    }
}
