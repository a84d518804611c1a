import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

private final class ThreadBody {
    let run: @Sendable () -> Void

    init(run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Starts a thread that takes no signals: they are for the thread that steps.
/// - Parameter name: for the message of a failure.
/// - Throws: `FileError` if the system has no thread left.
func startThread(named name: String, _ run: @escaping @Sendable () -> Void) throws -> pthread_t {
    let body = Unmanaged.passRetained(ThreadBody(run: run))
    #if canImport(Glibc)
        var thread = pthread_t()
    #else
        var thread: pthread_t?
    #endif
    // A new thread inherits the mask, so that not even the first instruction of it takes a signal.
    var everything = sigset_t()
    var previous = sigset_t()
    sigfillset(&everything)
    pthread_sigmask(SIG_SETMASK, &everything, &previous)
    defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
    let status = pthread_create(
        &thread, nil,
        { argument in
            #if canImport(Glibc)
                let body = Unmanaged<ThreadBody>.fromOpaque(argument!).takeRetainedValue()
            #else
                let body = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
            #endif
            body.run()
            return nil
        }, body.toOpaque())
    guard status == 0 else {
        body.release()
        throw FileError(
            action: "start", path: "the thread '\(name)'", reason: String(cString: strerror(status)))
    }
    #if canImport(Glibc)
        return thread
    #else
        return thread!
    #endif
}
