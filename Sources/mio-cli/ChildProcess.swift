import Foundation
import MIORun
import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A program that this one waits for, and to which it passes requests to stop.
///
/// The first SIGINT, SIGTERM, SIGHUP or SIGUSR1 asks the run to checkpoint and to end with 75, by SIGUSR1 if `mpirun`
/// is to hand it on: SIGTERM would be its own end. Any later one becomes SIGTERM: end now, which for a rank is the second.
struct ChildProcess {
    private let process: pid_t
    private let firstRequest: Int32
    private static let requests = [SIGINT, SIGTERM, SIGHUP, SIGUSR1]

    /// Starts it in a process group of its own: a terminal's Ctrl-C reaches this process alone, which
    /// translates it.
    /// - Throws: `FileError` if the program cannot be started; its reason tells if it is not there.
    init(_ line: LaunchLine) throws {
        // Whoever reads this process' output may end before it does.
        signal(SIGPIPE, SIG_IGN)
        // Inherited by one that ignored it, no child's end would be told.
        signal(SIGCHLD, SIG_DFL)
        firstRequest = line.startsRanks ? SIGUSR1 : SIGTERM
        // Held back from now on, and taken one by one in `wait()`: no handler, no race.
        var signals = Self.signals
        sigprocmask(SIG_BLOCK, &signals, nil)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        var usual = sigset_t()
        sigemptyset(&usual)
        sigaddset(&usual, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Reading the terminal from another group would stop it.
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)

        var environment = ProcessInfo.processInfo.environment
        for variable in line.environment { environment[variable.name] = variable.value }
        var arguments = line.arguments.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var process: pid_t = 0
        let status = posix_spawnp(&process, line.arguments[0], &actions, &attributes, &arguments, &variables)
        guard status == 0 else {
            throw FileError(
                action: "start", path: line.arguments[0], reason: String(cString: strerror(status)),
                exitCode: status == ENOENT ? .missingInput : .inputOutput)
        }
        self.process = process
    }

    private static var signals: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in requests + [SIGCHLD] { sigaddset(&set, signal) }
        return set
    }

    /// How it ended.
    enum End {
        case exited(Int32)
        case killed(signal: Int32)
    }

    /// - Parameter onRequest: called with each request to stop, counted from 1.
    func wait(onRequest: (Int) -> Void) -> End {
        var requests = 0
        while true {
            var status: Int32 = 0
            if waitpid(process, &status, WNOHANG) == process {
                let signal = status & 0x7f
                return signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: signal)
            }
            var signals = Self.signals
            var received: Int32 = 0
            guard sigwait(&signals, &received) == 0, received != SIGCHLD else { continue }
            requests += 1
            // First: whom the message is for may be gone.
            kill(process, requests == 1 ? firstRequest : SIGTERM)
            onRequest(requests)
        }
    }
}
