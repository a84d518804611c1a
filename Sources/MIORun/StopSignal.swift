import MIOFiles
import MIOTensor
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whether this process was asked to stop: SIGUSR1 or SIGTERM, once, politely.
///
/// A second SIGTERM ends the process at once. The step asks `isRequested`; all ranks then agree on the step
/// after which they checkpoint. Until the first step asks, a process may wait for something that never comes, a file
/// system for one: some seconds after the request it then ends by itself, which loses nothing.
public enum StopSignal {
    private static let requested = Atomic<Bool>(false)
    private static let terminations = Atomic<Int>(0)
    /// Whether steps ask.
    private static let isHeard = Atomic<Bool>(false)
    /// How long a start may still take after a request.
    private static let patienceSeconds: UInt32 = 10

    /// Takes over both signals, and ignores two others: a reader that goes away must not end a run (SIGPIPE), and a file
    /// that may not grow (`ulimit -f`) must end it with a message (SIGXFSZ).
    public static func install() {
        for number in [SIGUSR1, SIGTERM] {
            var action = sigaction()
            // Atomics and _exit are all a handler may touch.
            let handler: @convention(c) (Int32) -> Void = { number in
                StopSignal.requested.store(true, ordering: .relaxed)
                if number == SIGTERM,
                    StopSignal.terminations.add(1, ordering: .relaxed).newValue > 1
                {
                    _exit(128 + SIGTERM)
                }
                if !StopSignal.isHeard.load(ordering: .relaxed) { alarm(StopSignal.patienceSeconds) }
            }
            #if canImport(Glibc)
                action.__sigaction_handler.sa_handler = handler
            #else
                action.__sigaction_u.__sa_handler = handler
            #endif
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
        signal(SIGALRM) { _ in
            guard StopSignal.isRequested, !StopSignal.isHeard.load(ordering: .relaxed) else { return }
            let text: StaticString = "mio: stopped before the first step; run again to continue\n"
            _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
            _exit(ExitCode.stopped.rawValue)
        }
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        MappedFiles.reportLosses()
        // Ctrl-\ ends a program, and is no crash for Swift to explain.
        signal(SIGQUIT, SIG_DFL)
        // Whoever started this process may have held them back until now.
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGUSR1, SIGTERM] { sigaddset(&set, number) }
        sigprocmask(SIG_UNBLOCK, &set, nil)
    }

    public static var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// What a step asks: from the first time on, a request waits for it.
    public static func listen() -> Bool {
        isHeard.store(true, ordering: .relaxed)
        return isRequested
    }
}
