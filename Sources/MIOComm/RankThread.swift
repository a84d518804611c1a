#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A thread with a main thread's stack (8 MiB), which reference kernels and deep recursion may need.
struct RankThread {
    private static let stackBytes = 8 << 20
    private let handle: pthread_t

    /// Starts the thread.
    /// - Throws: `CommunicationError` with the system's reason.
    init(rank: Int, _ body: @escaping @Sendable () -> Void) throws(CommunicationError) {
        var attributes = pthread_attr_t()
        try Self.check(pthread_attr_init(&attributes), "pthread_attr_init", rank)
        defer { pthread_attr_destroy(&attributes) }
        try Self.check(
            pthread_attr_setstacksize(&attributes, Self.stackBytes), "pthread_attr_setstacksize", rank)
        let context = Unmanaged.passRetained(Body(body))
        #if canImport(Glibc)
            var handle = pthread_t()
            let code = pthread_create(&handle, &attributes, { Body.run($0) }, context.toOpaque())
            self.handle = handle
        #else
            var handle: pthread_t?
            let code = pthread_create(&handle, &attributes, { Body.run($0) }, context.toOpaque())
        #endif
        if code != 0 { context.release() }
        try Self.check(code, "pthread_create", rank)
        #if !canImport(Glibc)
            self.handle = handle!
        #endif
    }

    /// Returns when the thread has ended.
    func join() {
        let code = pthread_join(handle, nil)
        precondition(code == 0, "pthread_join returned \(code)")
    }

    private static func check(_ code: CInt, _ call: String, _ rank: Int) throws(CommunicationError) {
        guard code == 0 else {
            throw CommunicationError(call: call, rank: rank, reason: String(cString: strerror(code)))
        }
    }

    /// Carries a closure through C's `void *`.
    private final class Body {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }

        static func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
            Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().body()
            return nil
        }
    }
}
