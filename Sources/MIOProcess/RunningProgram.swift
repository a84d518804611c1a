import CProcess
import MIOBase
import MIOSystem
import MIOThreads

/// A program that this process has started: in a session of its own, with signals as usual and no open file of this process.
/// It can be ended with all that it has started, and is if nobody holds it any more before its end.
package final class RunningProgram {
    package enum End: Hashable, Sendable {
        case exited(Int32)
        case killed(signal: Int32)
        /// Ended because it took too long.
        case late
        /// Ended because nobody waited for it any more.
        case abandoned

        /// As a shell has it: 128 and the signal's number where one ended it; `nil` if it was ended here.
        package var status: Int32? {
            switch self {
            case .exited(let status): status
            case .killed(let signal): 128 + signal
            case .late, .abandoned: nil
            }
        }
    }

    /// Which part of a long output is kept.
    package enum Kept: Sendable {
        case first(Int)
        case last(Int)
    }

    private let process: pid_t
    private let kept: Kept
    private let output: Int32
    private var input: Int32
    private var unread: ArraySlice<UInt8>
    private var written: [UInt8] = []
    private var isWritten = false
    /// Whether it has written more than is kept of the first.
    package private(set) var isCut = false
    private var end: End?

    /// What it has written up to now.
    package var text: String { String(decoding: written, as: UTF8.self) }

    /// - Parameters:
    ///   - arguments: the first is the program, looked up in the `PATH` of `environment` unless it holds a `/`.
    ///   - environment: `nil`: this process' own.
    ///   - folder: where it starts; `nil`: where this process is.
    ///   - input: what it can read.
    ///   - keepsErrors: whether what it writes to its error output belongs to `text`; else it is dropped.
    ///   - farewell: a signal that it gets when the calling thread is gone, however that ends; `nil` for none.
    /// - Throws: `RunError` if it cannot be started; the message begins with the program's name.
    package init(
        _ arguments: [String], environment: [String: String]? = nil, in folder: String? = nil,
        reading input: [UInt8] = [], keeping kept: Kept = .first(1 << 20), keepsErrors: Bool = true,
        farewell: Int32? = nil
    ) throws(RunError) {
        self.kept = kept
        unread = input[...]
        let outputs = try Self.pipe(for: arguments[0])
        var inputs: (read: Int32, write: Int32)?
        do {
            if !input.isEmpty {
                // Whoever closes its input is not to end this process.
                signal(SIGPIPE, SIG_IGN)
                inputs = try Self.pipe(for: arguments[0])
            }
        } catch {
            for end in [outputs.read, outputs.write] { close(end) }
            throw error
        }
        let nothing = keepsErrors ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC)
        var start = ProgramStart(
            arguments, output: outputs.write, errorOutput: nothing >= 0 ? nothing : outputs.write)
        if let environment { start.environment = environment }
        start.folder = folder
        start.input = inputs?.read
        start.farewell = farewell
        let started = start.spawn()
        if nothing >= 0 { close(nothing) }
        close(outputs.write)
        if let inputs { close(inputs.read) }
        guard started > 0 else {
            close(outputs.read)
            if let inputs { close(inputs.write) }
            throw RunError(
                "\(arguments[0].shown()) cannot be started: \(String(cString: strerror(-started)))",
                exitCode: -started == ENOENT ? .missingInput : .inputOutput)
        }
        process = started
        output = outputs.read
        self.input = inputs?.write ?? -1
        for end in [output, self.input] where end >= 0 { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    }

    private static func pipe(for program: String) throws(RunError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard mio_pipe(&ends) == 0 else {
            throw RunError(
                "\(program.shown()) cannot be started: no pipe: \(String(cString: strerror(errno)))",
                exitCode: .inputOutput)
        }
        return (ends[0], ends[1])
    }

    deinit {
        if end == nil { stop() }
        if input >= 0 { close(input) }
        close(output)
    }

    /// Looks, without waiting.
    /// - Returns: how it ended; `nil` if it is still at work.
    package func look() -> End? {
        if let end { return end }
        feed()
        var status: Int32 = 0
        // Before the output is read: what was written before the end is all there.
        let isOver = isOver(&status)
        keepOutput()
        guard isOver else { return nil }
        let signal = status & 0x7f
        end = signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: signal)
        return end
    }

    /// Waits for its end, and ends it after `seconds`: with SIGTERM, and SIGKILL for what has not heeded that for
    /// `secondsToEnd`.
    /// - Parameter isAbandoned: asked while it waits: whether it is to be ended now.
    package func wait(
        atMost seconds: Double, secondsToEnd: Double = 0.5, isAbandoned: () -> Bool = { false }
    ) -> End {
        let limit = MonotonicClock.seconds + seconds
        while true {
            if let end = look() { return end }
            let isLate = MonotonicClock.seconds >= limit
            if isLate || isAbandoned() {
                stop(within: secondsToEnd)
                end = isLate ? .late : .abandoned
                return end!
            }
            sleepAMoment()
        }
    }

    /// Ends it, and what it has started: with SIGTERM, and SIGKILL for what is there after `seconds`.
    package func stop(within seconds: Double = 0) {
        guard end == nil else { return }
        var status: Int32 = 0
        func ends(within seconds: Double) -> Bool {
            let limit = MonotonicClock.seconds + seconds
            while !isOver(&status) {
                if MonotonicClock.seconds >= limit { return false }
                keepOutput()
                usleep(10_000)
            }
            return true
        }
        // A launcher has its own way to end what it has started.
        if seconds > 0 { kill(process, SIGTERM) }
        let isGone = seconds > 0 && ends(within: seconds)
        kill(-process, SIGKILL)
        // One that waits in the kernel is left.
        if !isGone { _ = ends(within: 1) }
        keepOutput()
        end = .abandoned
    }

    /// One that somebody else has waited for has no status: a parent that ignores SIGCHLD has the kernel do it.
    private func isOver(_ status: inout Int32) -> Bool {
        let found = waitpid(process, &status, WNOHANG)
        return found == process || found < 0 && errno == ECHILD
    }

    private func sleepAMoment() {
        // A program that has closed its output is not to be asked again and again.
        guard !isWritten else {
            usleep(2_000)
            return
        }
        var places = [
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: input, events: Int16(POLLOUT), revents: 0),
        ]
        _ = poll(&places, input >= 0 ? 2 : 1, 20)
    }

    /// Gives it what it has room for. The input is closed when nothing is left, or nobody reads.
    private func feed() {
        guard input >= 0 else { return }
        let count = unread.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
        if count < 0, [EAGAIN, EINTR].contains(errno) { return }
        unread = count < 0 ? [] : unread.dropFirst(count)
        guard unread.isEmpty else { return }
        close(input)
        input = -1
    }

    private func keepOutput() {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        // A program that writes for ever is not waited for here.
        for _ in 0..<64 {
            let count = read(output, &piece, piece.count)
            if count == 0 { isWritten = true }
            guard count > 0 else { return }
            switch kept {
            case .first(let most):
                let room = max(most - written.count, 0)
                written += piece[..<min(count, room)]
                if count > room { isCut = true }
            case .last(let most): written = Array((written + piece[..<count]).suffix(most))
            }
        }
    }
}
