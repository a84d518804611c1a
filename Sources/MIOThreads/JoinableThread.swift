import CThreads
import MIOBase
import MIOSystem

/// A thread that can be waited for.
///
/// It takes no signals except for its own faults, and the question for its stack: others are for the thread that steps. It has
/// a main thread's stack (8 MiB), which reference kernels and deep recursion may need.
package struct JoinableThread {
    private static let stackBytes = 8 << 20
    private let handle: pthread_t

    /// Starts the thread.
    /// - Parameter name: for the message of an error.
    /// - Throws: `RunError` if the system has no thread left.
    package init(named name: String, _ run: @escaping @Sendable () -> Void) throws(RunError) {
        var attributes = pthread_attr_t()
        try Self.check(pthread_attr_init(&attributes), name)
        defer { pthread_attr_destroy(&attributes) }
        try Self.check(pthread_attr_setstacksize(&attributes, Self.stackBytes), name)
        // A new thread inherits the mask, so that not even the first instruction of it takes a signal.
        var everything = sigset_t()
        var previous = sigset_t()
        sigfillset(&everything)
        // What its own faults raise is its own: held back, Linux would end the process before a handler can say why.
        for fault in [SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT] { sigdelset(&everything, fault) }
        sigdelset(&everything, mio_stack_signal())
        pthread_sigmask(SIG_SETMASK, &everything, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        let body = Unmanaged.passRetained(Body(run))
        #if canImport(Glibc)
            var handle = pthread_t()
            let code = pthread_create(&handle, &attributes, { Body.run($0) }, body.toOpaque())
            self.handle = handle
        #else
            var handle: pthread_t?
            let code = pthread_create(&handle, &attributes, { Body.run($0) }, body.toOpaque())
        #endif
        if code != 0 { body.release() }
        try Self.check(code, name)
        #if !canImport(Glibc)
            self.handle = handle!
        #endif
    }

    /// Returns when the thread has ended.
    /// - Precondition: it was not joined before.
    package func join() {
        let code = pthread_join(handle, nil)
        precondition(code == 0, "pthread_join returned \(code)")
    }

    private static func check(_ code: CInt, _ name: String) throws(RunError) {
        guard code == 0 else { throw .noThread(named: name, reason: String(cString: strerror(code))) }
    }

    /// Carries a closure through C's `void *`.
    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }

        static func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
            Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        }
    }
}

extension RunError {
    /// A thread that the system would not start.
    /// - Parameter reason: as `strerror` words it.
    package static func noThread(named name: String, reason: String) -> RunError {
        RunError(
            "cannot start the thread \"\(name)\": \(reason); raise the limits of threads (`ulimit -u`) and memory",
            exitCode: .inputOutput)
    }
}
