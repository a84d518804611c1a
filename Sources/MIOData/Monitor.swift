#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A lock and a condition to wait for under it. Unlike `Synchronization.Mutex` it can wait; uncontended, it
/// makes no system call.
///
/// `@unchecked Sendable`: POSIX mutexes and conditions are made to be shared, and never move.
final class Monitor: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        let status = (pthread_mutex_init(mutex, nil), pthread_cond_init(condition, nil))
        precondition(status == (0, 0), "a mutex or condition with default attributes cannot be made")
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Gives the lock up until somebody signals; may also return without that.
    func wait() { pthread_cond_wait(condition, mutex) }

    func signal() { pthread_cond_broadcast(condition) }
}
