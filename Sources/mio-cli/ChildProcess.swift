import Foundation
import MIOBase
import MIOLaunch
import MIOProcess
import MIORun
import MIOSystem
import MIOThreads
import Synchronization

/// A program that this one waits for, and to which it passes requests to stop.
///
/// The first SIGINT, SIGTERM, SIGHUP or SIGUSR1 becomes SIGUSR1: the run checkpoints and ends with 75, and `mpirun` hands
/// that on at once. Any later one, and SIGQUIT, becomes SIGTERM: end now, which for a rank is the second.
struct ChildProcess {
    let process: pid_t
    let startsRanks: Bool
    private let relay: OutputRelay
    private static let requests = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGQUIT]
    /// What a rank takes over once it runs: until then it is held back.
    private static let ofRank = [SIGUSR1, SIGTERM]

    /// Starts it in a process group of its own: a terminal's Ctrl-C reaches this process alone, which
    /// translates it.
    /// - Throws: `FileError` if the program cannot be started; its reason tells if it is not there.
    /// - Parameters:
    ///   - ranks: that it starts.
    ///   - environment: further variables.
    init(_ line: LaunchLine, ranks: Int, environment: [(name: String, value: String)] = []) throws {
        Self.holdRequests()
        startsRanks = line.startsRanks
        relay = try OutputRelay(ranks: ranks)
        process = try Self.spawn(line, environment, outputs: relay.outputs)
        try relay.start()
    }

    /// This thread holds back requests to stop from now on, and takes them one by one in `wait()`.
    ///
    /// Libraries have threads before this program begins, which hold back nothing: what reaches one of them while this
    /// thread does not wait is handed to this one. (A signal whose action is to do nothing would be lost so, SIGCHLD for
    /// one.)
    static func holdRequests() {
        waiting.store(Int(bitPattern: pthread_self()), ordering: .relaxed)
        var signals = set(requests + [SIGCHLD])
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        for number in requests + [SIGCHLD] {
            // pthread_kill may be called by a handler.
            let handler: @convention(c) (Int32) -> Void = { number in
                let thread = ChildProcess.waiting.load(ordering: .relaxed)
                #if canImport(Glibc)
                    pthread_kill(pthread_t(bitPattern: thread), number)
                #else
                    pthread_kill(pthread_t(bitPattern: thread)!, number)
                #endif
            }
            var action = sigaction()
            sigaction(number, nil, &action)
            // `nohup`, and what a script starts in the background: who started this one does not want to hear it.
            if number != SIGCHLD, action.isIgnored { continue }
            action.handler = handler
            sigemptyset(&action.sa_mask)
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    private static let waiting = Atomic<Int>(0)

    private static func spawn(
        _ line: LaunchLine, _ environment: [(name: String, value: String)], outputs: [Int32]
    ) throws -> pid_t {
        var start = ProgramStart(line.arguments, output: outputs[0], errorOutput: outputs[1])
        for variable in line.environment { start.environment[variable.name] = variable.value }
        for variable in environment { start.environment[variable.name] = variable.value }
        start.held = set(line.startsRanks ? [] : ofRank)
        // Nobody would be left to stop it: a run asked to checkpoint and end leaves no rank behind.
        start.farewell = SIGUSR1
        start.isDetached = false
        let process = start.spawn()
        guard process > 0 else {
            throw FileError(
                action: "start", path: line.arguments[0], reason: String(cString: strerror(-process)),
                exitCode: -process == ENOENT ? .missingInput : .inputOutput)
        }
        return process
    }

    /// Waits for a request to stop.
    /// - Returns: its signal; `nil` if there was none for so many seconds.
    static func request(within seconds: Double) -> Int32? {
        var left = seconds
        while left > 0 {
            if let received = next(atMost: min(left, 0.25)), received != SIGCHLD { return received }
            left -= 0.25
        }
        return nil
    }

    /// Whether a request to stop is held back now.
    static var isRequested: Bool {
        var pending = sigset_t()
        sigpending(&pending)
        return requests.contains { sigismember(&pending, $0) == 1 }
    }

    private static func set(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }

    /// The last of what it wrote to standard error, once it has ended.
    var lastWords: String { relay.lastWords }

    /// The last line that it, or a rank, wrote to standard error, once it has ended.
    var lastLine: String? { relay.lastLine }

    /// How it ended.
    enum End {
        case exited(Int32)
        case killed(signal: Int32)
        /// A launcher that had not started a rank long after it was asked to stop.
        case idle
    }

    private static let tickSeconds = 0.25

    /// Requests that come within this time are one, as for a rank.
    private static let secondsOfOneRequest = Double(StopSignal.nanosecondsOfOneRequest) / 1e9

    /// How many seconds a launcher that was asked to stop may be idle.
    private static let mostIdleSeconds = 5

    /// How many seconds it has to end at once.
    private static let mostSecondsAtOnce = 10.0

    /// - Parameters:
    ///   - isIdle: whether no rank is at work, which is asked each second after a request: a launcher that waits for
    ///     ranks that never start hands a request on to nobody. It is then ended.
    ///   - onTick: called several times a second until there is a request, then each second or two.
    ///   - onRequest: called with each request to stop, counted from 1, and the signal.
    func wait(isIdle: () -> Bool, onTick: () -> Void = {}, onRequest: (Int, Int32) -> Void) -> End {
        var requests = 0
        var idleSeconds = 0
        var requested = 0.0
        var ticked = 0.0
        while true {
            var status: Int32 = 0
            if waitpid(process, &status, WNOHANG) == process {
                relay.finish()
                if idleSeconds >= Self.mostIdleSeconds { return .idle }
                let signal = status & 0x7f
                return signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: signal)
            }
            var received = Self.next(atMost: requests == 0 ? Self.tickSeconds : requests == 1 ? 1 : 0.02)
            if received == SIGCHLD { continue }
            if received != nil, received != SIGQUIT, requests > 0 {
                // `timeout`, a terminal and a batch system may tell a process and its group at nearly the same time.
                if MonotonicClock.seconds - requested < Self.secondsOfOneRequest { received = nil }
            }
            if received != nil { requested = MonotonicClock.seconds }
            let now = MonotonicClock.seconds
            if received == nil, requests < 2 || now - ticked >= 1 {
                ticked = now
                onTick()
                if requests == 0 { continue }
            }
            if requests > 1, now - requested > Self.mostSecondsAtOnce { kill(process, SIGKILL) }
            if let received {
                // Ctrl-\ is meant.
                requests = max(requests + 1, received == SIGQUIT ? 2 : 1)
            } else if startsRanks, requests > 1 {
                // It is about to end them, and would leave that if asked again.
                continue
            }
            if startsRanks, requests == 1, received == nil {
                if idleSeconds < Self.mostIdleSeconds { idleSeconds = isIdle() ? idleSeconds + 1 : 0 }
                if idleSeconds >= Self.mostIdleSeconds {
                    kill(process, SIGTERM)
                    continue
                }
            }
            // First: whom the message is for may be gone. Again and again: mpirun hands nothing on to ranks that it has
            // not started yet, and a rank counts.
            kill(process, requests == 1 ? SIGUSR1 : SIGTERM)
            if let received { onRequest(requests, received) }
        }
    }

    /// The next signal; `nil` if there was none for that many seconds.
    private static func next(atMost seconds: Double?) -> Int32? {
        var signals = set(requests + [SIGCHLD])
        var received: Int32 = 0
        #if canImport(Glibc)
            if let seconds {
                var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(seconds * 1e9) % 1_000_000_000)
                received = sigtimedwait(&signals, nil, &time)
                return received > 0 ? received : errno == EAGAIN ? nil : SIGCHLD
            }
        #endif
        return sigwait(&signals, &received) == 0 ? received : SIGCHLD
    }
}

extension sigaction {
    fileprivate var isIgnored: Bool {
        // SIG_IGN is a cast of 1.
        return unsafeBitCast(handler, to: Int.self) == 1
    }
}
