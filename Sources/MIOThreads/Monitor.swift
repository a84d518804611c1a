#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A mutex and a condition: what threads that wait for each other's news need. Unlike
/// `Synchronization.Mutex` it can wait; where nobody contends for it, it makes no system call.
///
/// `@unchecked Sendable`: its two members are made for use from several threads, at addresses that do not
/// change.
public final class Monitor: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    public init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        Self.require(pthread_mutex_init(mutex, nil), "pthread_mutex_init")
        Self.require(pthread_cond_init(condition, nil), "pthread_cond_init")
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    public func lock() { Self.require(pthread_mutex_lock(mutex), "pthread_mutex_lock") }

    public func unlock() { Self.require(pthread_mutex_unlock(mutex), "pthread_mutex_unlock") }

    /// Runs `body` with the lock held.
    public func withLock<Value>(_ body: () throws -> Value) rethrows -> Value {
        lock()
        defer { unlock() }
        return try body()
    }

    /// With the lock held: gives it back until news comes. It may also return without news.
    public func wait() { Self.require(pthread_cond_wait(condition, mutex), "pthread_cond_wait") }

    /// Wakes all that wait.
    public func announce() { Self.require(pthread_cond_broadcast(condition), "pthread_cond_broadcast") }

    /// These calls fail only when misused.
    private static func require(_ code: CInt, _ call: String) {
        precondition(code == 0, "\(call) returned \(code)")
    }
}
