import MIOThreads

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The batches that go round between the thread that fills them and the thread that uses them.
///
/// `@unchecked Sendable`: the counts are read and written under `monitor` only; a batch belongs to the
/// filling thread from `released + depth` on, to the other one between being filled and being released.
final class PrefetchRing: @unchecked Sendable {
    private let monitor = Monitor()
    private let batches: [Batch]
    /// How many batches there will be in all.
    private let total: Int
    /// How many were filled, and how many of these were given back.
    private var filled = 0
    private var released = 0
    private var isStopped = false
    /// Why batch number `filled` cannot be filled.
    private var failure: (any Error)?
    private var waitedSeconds = 0.0

    init(batches: [Batch], total: Int) {
        self.batches = batches
        self.total = total
    }

    // MARK: The filling thread

    /// The batch to fill next, once one is free; `nil` when all are filled or nobody wants more.
    func nextToFill() -> Batch? {
        monitor.withLock {
            while filled - released == batches.count, !isStopped { monitor.wait() }
            return isStopped || filled == total ? nil : batches[filled % batches.count]
        }
    }

    func didFill() {
        monitor.withLock {
            filled += 1
            monitor.announce()
        }
    }

    func fail(_ error: any Error) {
        monitor.withLock {
            failure = error
            monitor.announce()
        }
    }

    // MARK: The using thread

    /// Batch `number`, after giving back all `before`; waits until it is filled.
    /// - Returns: `nil` behind the last batch.
    func take(_ number: Int, releasing before: Int) throws -> Batch? {
        try monitor.withLock {
            if before > released {
                released = before
                monitor.announce()
            }
            guard number < total else { return nil }
            if filled <= number, failure == nil, !isStopped {
                let start = monotonicSeconds()
                while filled <= number, failure == nil, !isStopped { monitor.wait() }
                waitedSeconds += monotonicSeconds() - start
            }
            if filled > number { return batches[number % batches.count] }
            if let failure { throw failure }
            return nil
        }
    }

    func waited() -> Double { monitor.withLock { waitedSeconds } }

    func stop() {
        monitor.withLock {
            isStopped = true
            monitor.announce()
        }
    }
}

private func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
