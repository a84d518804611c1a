#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A mutex and a condition: what threads that wait for each other's news need.
///
/// `@unchecked Sendable`: its two members are made for use from several threads, at addresses that do not
/// change.
final class Monitor: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
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

    func lock() { Self.require(pthread_mutex_lock(mutex), "pthread_mutex_lock") }

    func unlock() { Self.require(pthread_mutex_unlock(mutex), "pthread_mutex_unlock") }

    /// Gives the lock back until news comes. It may also return without news.
    func wait() { Self.require(pthread_cond_wait(condition, mutex), "pthread_cond_wait") }

    /// Wakes all that wait.
    func announce() { Self.require(pthread_cond_broadcast(condition), "pthread_cond_broadcast") }

    /// These calls fail only when misused.
    private static func require(_ code: CInt, _ call: String) {
        precondition(code == 0, "\(call) returned \(code)")
    }
}
