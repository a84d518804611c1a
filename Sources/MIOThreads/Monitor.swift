import MIOSystem

/// A mutex and a condition: what threads that wait for each other's news need. Unlike
/// `Synchronization.Mutex` it can wait; where nobody contends for it, it makes no system call.
///
/// `@unchecked Sendable`: its two members are made for use from several threads, at addresses that do not
/// change.
@usableFromInline
package final class Monitor: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        Self.require(pthread_mutex_init(mutex, nil), "pthread_mutex_init")
        #if canImport(Glibc)
            // So that a changed calendar neither stretches nor cuts `wait(seconds:)`.
            var attributes = pthread_condattr_t()
            Self.require(pthread_condattr_init(&attributes), "pthread_condattr_init")
            Self.require(
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), "pthread_condattr_setclock")
            Self.require(pthread_cond_init(condition, &attributes), "pthread_cond_init")
            pthread_condattr_destroy(&attributes)
        #else
            Self.require(pthread_cond_init(condition, nil), "pthread_cond_init")
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    @usableFromInline
    package func lock() { Self.require(pthread_mutex_lock(mutex), "pthread_mutex_lock") }

    @usableFromInline
    package func unlock() { Self.require(pthread_mutex_unlock(mutex), "pthread_mutex_unlock") }

    /// Runs `body` with the lock held.
    @inlinable
    package func withLock<Value>(_ body: () throws -> Value) rethrows -> Value {
        lock()
        defer { unlock() }
        return try body()
    }

    /// With the lock held: gives it back until news comes. It may also return without news.
    package func wait() { Self.require(pthread_cond_wait(condition, mutex), "pthread_cond_wait") }

    /// With the lock held: gives it back until news comes, or this time has passed. It may also return earlier.
    /// - Precondition: `seconds` is in `0...1e6`.
    package func wait(seconds: Double) {
        precondition(seconds >= 0 && seconds <= 1e6, "a wait of \(seconds) s")
        let nanoseconds = Int(seconds * 1e9)
        var time = timespec()
        #if canImport(Glibc)
            clock_gettime(CLOCK_MONOTONIC, &time)
            let end = time.tv_nsec + nanoseconds
            time.tv_sec += end / 1_000_000_000
            time.tv_nsec = end % 1_000_000_000
            let code = pthread_cond_timedwait(condition, mutex, &time)
        #else
            time.tv_sec = nanoseconds / 1_000_000_000
            time.tv_nsec = nanoseconds % 1_000_000_000
            let code = pthread_cond_timedwait_relative_np(condition, mutex, &time)
        #endif
        if code != ETIMEDOUT { Self.require(code, "pthread_cond_timedwait") }
    }

    /// Wakes all that wait.
    package func announce() { Self.require(pthread_cond_broadcast(condition), "pthread_cond_broadcast") }

    /// These calls fail only when misused.
    private static func require(_ code: CInt, _ call: String) {
        precondition(code == 0, "\(call) returned \(code)")
    }
}
