import CProcess
import Foundation
import MIOBase
import MIOSystem
import MIOThreads

/// A program that reads a few bytes and is ended when it takes too long: with all that it has started, by its process group.
struct ProgramRun {
    let arguments: [String]
    let environment: [String: String]

    private static let secondsToEnd = 0.5
    /// Of its output, for the message about a failure.
    private static let mostKept = 4096

    init(_ arguments: [String], environment: [String: String]) {
        self.arguments = arguments
        self.environment = environment
    }

    func outcome(reading input: [UInt8], within seconds: Double, isAbandoned: () -> Bool) -> SendOutcome {
        guard let path = ProgramPath.find(arguments[0], environment: environment) else {
            return .failed("there is no program \(quoted: arguments[0])", mayBeTriedAgain: false)
        }
        do throws(RunError) {
            var child = try Child(path, arguments, environment)
            return child.wait(writing: input, within: seconds, isAbandoned: isAbandoned)
        } catch { return .failed(error.message, mayBeTriedAgain: false) }
    }

    private struct Child: ~Copyable {
        private let process: pid_t
        private var input: Int32
        private let output: Int32
        private var kept: [UInt8] = []

        init(_ path: String, _ arguments: [String], _ environment: [String: String]) throws(RunError) {
            // Whoever closes its input is not to end this process.
            signal(SIGPIPE, SIG_IGN)
            var ends: [Int32] = [-1, -1, -1, -1]
            let failed = ends.withUnsafeMutableBufferPointer { buffer in
                mio_pipe(buffer.baseAddress!) != 0 || mio_pipe(buffer.baseAddress! + 2) != 0
            }
            guard !failed else {
                let code = errno
                for end in ends where end >= 0 { close(end) }
                throw RunError("no pipe: \(String(cString: strerror(code)))", exitCode: .inputOutput)
            }
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
            posix_spawn_file_actions_adddup2(&actions, ends[3], 1)
            posix_spawn_file_actions_adddup2(&actions, ends[3], 2)
            // This process holds back and handles signals; a program expects them as usual.
            var attributes = posix_spawnattr_t()
            posix_spawnattr_init(&attributes)
            var signals = sigset_t()
            sigemptyset(&signals)
            posix_spawnattr_setsigmask(&attributes, &signals)
            sigfillset(&signals)
            posix_spawnattr_setsigdefault(&attributes, &signals)
            posix_spawnattr_setpgroup(&attributes, 0)
            posix_spawnattr_setflags(
                &attributes,
                Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
            var words = arguments.map { strdup($0) } + [nil]
            var values = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
            var process: pid_t = 0
            let code = posix_spawn(&process, path, &actions, &attributes, &words, &values)
            for text in words + values { free(text) }
            posix_spawnattr_destroy(&attributes)
            posix_spawn_file_actions_destroy(&actions)
            close(ends[0])
            close(ends[3])
            guard code == 0 else {
                close(ends[1])
                close(ends[2])
                throw RunError(
                    "cannot be started: \(String(cString: strerror(code)))", exitCode: .inputOutput)
            }
            self.process = process
            input = ends[1]
            output = ends[2]
            for end in [input, output] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        }

        deinit {
            if input >= 0 { close(input) }
            close(output)
        }

        mutating func wait(writing bytes: [UInt8], within seconds: Double, isAbandoned: () -> Bool)
            -> SendOutcome
        {
            let end = MonotonicClock.seconds + seconds
            var rest = bytes[...]
            var isAsked = false
            var wasAbandoned = false
            while true {
                var status: Int32 = 0
                let isOver = waitpid(process, &status, WNOHANG) == process
                keepOutput()
                if isOver {
                    guard isAsked else { return outcome(status) }
                    // What it has started may have ignored the first signal.
                    kill(-process, SIGKILL)
                    return .failed(
                        wasAbandoned
                            ? "was ended, because nobody waited for it any more"
                            : "took too long and was ended",
                        mayBeTriedAgain: false)
                }
                let late = MonotonicClock.seconds - end
                if !isAsked { wasAbandoned = isAbandoned() }
                if late >= ProgramRun.secondsToEnd || isAbandoned() {
                    isAsked = true
                    kill(-process, SIGKILL)
                } else if late >= 0, !isAsked {
                    isAsked = true
                    kill(-process, SIGTERM)
                }
                rest = write(rest)
                var places = [
                    pollfd(fd: output, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: input, events: Int16(POLLOUT), revents: 0),
                ]
                _ = poll(&places, rest.isEmpty ? 1 : 2, 20)
                // A program that has closed its output is not to be asked again and again.
                if places[0].revents & Int16(POLLIN) == 0 { usleep(10_000) }
            }
        }

        /// - Returns: what is left. The input is closed when there is nothing, or nobody who reads.
        private mutating func write(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
            guard input >= 0 else { return [] }
            let count = bytes.withUnsafeBytes { MIOSystem.write(input, $0.baseAddress, $0.count) }
            if count < 0, [EAGAIN, EINTR].contains(errno) { return bytes }
            let rest = count < 0 ? [] : bytes.dropFirst(count)
            if rest.isEmpty {
                close(input)
                input = -1
            }
            return rest
        }

        private mutating func keepOutput() {
            var piece = [UInt8](repeating: 0, count: 4096)
            // A program that writes for ever is not waited for here.
            for _ in 0..<16 {
                let count = read(output, &piece, piece.count)
                guard count > 0 else { return }
                kept = Array((kept + piece[..<count]).suffix(ProgramRun.mostKept))
            }
        }

        private func outcome(_ status: Int32) -> SendOutcome {
            let signal = status & 0x7F
            if status == 0 { return .sent }
            let end = signal == 0 ? "ended with \((status >> 8) & 0xFF)" : "was ended by signal \(signal)"
            let words = String(decoding: kept, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            return .failed(
                end + (words.isEmpty ? "" : ": " + words.replacing("\n", with: "; ").shown(most: 300)),
                mayBeTriedAgain: false)
        }
    }
}
