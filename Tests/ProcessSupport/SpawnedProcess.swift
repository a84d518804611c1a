import Foundation

/// A process under way, whose end is waited for no longer than a test allows.
///
/// It has no input. What it writes goes to files and not to pipes, which fill up while nobody reads, and
/// which a grandchild that outlives it would keep open.
package final class SpawnedProcess {
    package let processIdentifier: Int32
    private let command: [String]
    private let folder: URL
    private var waitStatus: Int32?

    /// Why a process could not be started, or did not end; a test that meets it fails.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        package init(_ description: String) { self.description = description }
    }

    /// How a process ended.
    package struct Outcome: Sendable {
        /// The exit status; 128 + the signal if one ended it, as a shell has it.
        package let status: Int32
        package let output: String
        package let errors: String
    }

    /// Starts the program `command[0]`, looked up in `PATH`.
    /// - Parameter environment: added to that of the tests.
    /// - Throws: `Failure`, or what making the files throws.
    package init(_ command: [String], environment: [String: String] = [:]) throws {
        self.command = command
        folder = FileManager.default.temporaryDirectory.appending(path: "mio-process-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (descriptor, name) in [(Int32(1), "output"), (2, "errors")] {
            posix_spawn_file_actions_addopen(
                &actions, descriptor, folder.appending(path: name).path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        // Threads of the tests may block signals; the process shall get every one.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var arguments = command.map { strdup($0) } + [nil]
        var values = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + values { free(text) } }
        var identifier: pid_t = 0
        let code = posix_spawnp(&identifier, command[0], &actions, &attributes, &arguments, &values)
        guard code == 0 else {
            throw Failure("cannot start \(command[0]): \(String(cString: strerror(code)))")
        }
        processIdentifier = identifier
    }

    deinit {
        // Only after a failed test: whatever still runs would disturb those that follow.
        if waitStatus == nil {
            kill(processIdentifier, SIGKILL)
            var status: Int32 = 0
            waitpid(processIdentifier, &status, 0)
        }
        do {
            try FileManager.default.removeItem(at: folder)
        } catch { print("\(folder.path) stays: \(error)") }
    }

    package var isRunning: Bool {
        if waitStatus != nil { return false }
        var status: Int32 = 0
        guard waitpid(processIdentifier, &status, WNOHANG) == processIdentifier else { return true }
        waitStatus = status
        return false
    }

    package func signal(_ number: Int32) {
        if isRunning { kill(processIdentifier, number) }
    }

    /// What the process wrote to its standard output so far.
    package func outputSoFar() throws -> String { try text("output") }

    /// What the process wrote to its standard error so far.
    package func errorsSoFar() throws -> String { try text("errors") }

    /// Returns when the process has ended.
    /// - Throws: `Failure` if it has not after that many seconds; it is then ended.
    package func wait(atMost seconds: Double) throws -> Outcome {
        let start = ContinuousClock.now
        while isRunning {
            if start.duration(to: .now) > .seconds(seconds) {
                try end()
                throw Failure(
                    "\(command.joined(separator: " ")) did not end within \(seconds) s\n"
                        + "output: \(try text("output"))\nerrors: \(try text("errors"))")
            }
            usleep(2000)
        }
        let status = waitStatus ?? 0
        let signal = status & 0x7F
        return Outcome(
            status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, output: try text("output"),
            errors: try text("errors"))
    }

    /// Politely first, so that a launcher takes its processes with it.
    private func end() throws {
        signal(SIGTERM)
        for _ in 0..<500 where isRunning { usleep(10_000) }
        signal(SIGKILL)
        while isRunning { usleep(1000) }
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
    }
}

/// Whether a process runs; one that ended and whose parent has not asked how does not.
package func isAlive(_ processIdentifier: Int32) -> Bool {
    guard kill(processIdentifier, 0) == 0 else { return false }
    guard let bytes = FileManager.default.contents(atPath: "/proc/\(processIdentifier)/stat") else {
        return false
    }
    // "pid (name) state …"
    let state = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.dropFirst().first
    return state != "Z" && state != "X"
}

/// Returns when `condition` holds.
/// - Throws: `SpawnedProcess.Failure` if it does not after that many seconds.
package func waitUntil(
    _ what: String, atMost seconds: Double = 60, _ condition: () throws -> Bool
) throws {
    let start = ContinuousClock.now
    while try !condition() {
        if start.duration(to: .now) > .seconds(seconds) {
            throw SpawnedProcess.Failure("\(what): not within \(seconds) s")
        }
        usleep(1000)
    }
}
