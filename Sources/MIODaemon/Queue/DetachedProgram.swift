import Foundation
import MIOBase
import MIOFiles
import MIOProcess

/// A program that goes on when the daemon ends, whatever ends it: it has a session of its own, no terminal, and its outputs are
/// a file.
struct DetachedProgram: Sendable {
    let process: Int32

    /// - Parameters:
    ///   - arguments: the first is the program's path. No shell reads them.
    ///   - environment: further variables.
    ///   - folder: where it starts.
    ///   - log: is created if it is missing; lines are added.
    /// - Throws: `FileError`
    init(_ arguments: [String], environment: [String: String] = [:], in folder: String, log: String)
        throws(FileError)
    {
        let output = Foundation.open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard output >= 0 else { throw .system("create", log, code: errno) }
        defer { _ = close(output) }
        var start = ProgramStart(arguments, output: output, errorOutput: output)
        start.environment.merge(environment) { $1 }
        start.folder = folder
        let identifier = start.spawn()
        guard identifier > 0 else { throw .system("start", arguments[0], code: -identifier) }
        process = identifier
    }

    /// Waits for its end, on a thread of its own.
    /// - Parameter body: gets the exit status; 128 + a signal's number where one ended it.
    func whenItEnds(_ body: @escaping @Sendable (Int) -> Void) {
        let process = process
        let thread = Thread {
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7F
            body(Int(signal == 0 ? (status >> 8) & 0xFF : 128 + signal))
        }
        thread.stackSize = 256 << 10
        thread.start()
    }
}
