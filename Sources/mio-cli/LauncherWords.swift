import CProcess
import Foundation
import MIOLaunch

/// The error messages of an `mpirun` that fails before a rank has started. In a run it is quiet, because the ranks say
/// everything else themselves.
enum LauncherWords {
    private static let mostSeconds = 30.0
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
        guard let file = tmpfile() else { return nil }
        defer { fclose(file) }
        let arguments = SpawnWords(aloud.arguments)
        let variables = SpawnWords.environment(
            adding: aloud.environment.map { (name: $0.name, value: $0.value) })
        var held = sigset_t()
        sigemptyset(&held)
        let process = arguments.withPointers { words in
            variables.withPointers { mio_spawn(words, $0, fileno(file), fileno(file), &held, SIGTERM) }
        }
        guard process > 0 else { return nil }
        var status: Int32 = 0
        let start = ContinuousClock.now
        while waitpid(process, &status, WNOHANG) == 0 {
            if ChildProcess.isRequested || start.duration(to: .now) > .seconds(mostSeconds) {
                kill(process, SIGTERM)
            }
            if start.duration(to: .now) > .seconds(mostSeconds + 5) { kill(process, SIGKILL) }
            usleep(10_000)
        }
        rewind(file)
        var bytes = [UInt8](repeating: 0, count: mostBytes)
        let count = fread(&bytes, 1, bytes.count, file)
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        return Answer(works: status == 0, words: text.isEmpty ? nil : text)
    }
}
