import MIOSystem
import MIOThreads
import Synchronization

/// The batches that go round between the thread that fills them and the thread that uses them.
///
/// Where both threads have work, neither makes a system call, takes a lock, or touches more than two counts:
/// a thread sleeps only when it can do nothing, and is not woken for a single batch. The filling thread
/// sleeps when all batches are full, and is woken when half of them are free; the using thread sleeps when
/// its batch is not there, and is woken when a quarter of the ring is. On one core, which the two then
/// share, they take turns of many batches instead of one.
///
/// `@unchecked Sendable`: a batch belongs to the filling thread from `released + depth` on, to the other one
/// between being filled and being released, and the counts are stored and loaded so that what was written
/// before is seen after; `failure` is touched under `monitor` only, `waitedSeconds` by the using thread.
final class PrefetchRing: @unchecked Sendable {
    private let batches: [Batch]
    /// How many batches there will be in all.
    private let total: Int
    /// The filling thread sleeps while more than these are full. The using thread holds up to two.
    private let fillAgainAt: Int
    /// The using thread sleeps until as many are full.
    private let useAgainAt: Int
    /// How many were filled, and how many of these were given back.
    private let filled = Atomic(0)
    private let released = Atomic(0)
    private let isStopped = Atomic(false)
    private let hasFailed = Atomic(false)
    /// Who sleeps. A thread says so before it looks at the counts for the last time, the other one looks here
    /// after it has changed a count, all in one order (`sequentiallyConsistent`): one of them sees the other.
    private let fillerSleeps = Atomic(false)
    private let userSleeps = Atomic(false)
    private let monitor = Monitor()
    /// Why batch number `filled` cannot be filled.
    private var failure: (any Error)?
    /// The seconds that the using thread has slept. For that thread.
    private(set) var waitedSeconds = 0.0

    /// - Precondition: at least 3 batches.
    init(batches: [Batch], total: Int) {
        precondition(batches.count >= 3, "a ring of \(batches.count) batches; at least 3 are needed")
        self.batches = batches
        self.total = total
        fillAgainAt = max(2, batches.count / 2)
        useAgainAt = max(2, batches.count / 4)
    }

    // MARK: The filling thread

    /// The batch to fill next, once one is free; `nil` when all are filled or nobody wants more.
    func nextToFill() -> Batch? {
        let number = filled.load(ordering: .relaxed)
        if number == total { return nil }
        if number - released.load(ordering: .acquiring) == batches.count { sleepUntilFree(number) }
        return isStopped.load(ordering: .relaxed) ? nil : batches[number % batches.count]
    }

    private func sleepUntilFree(_ number: Int) {
        monitor.withLock {
            fillerSleeps.store(true, ordering: .sequentiallyConsistent)
            while number - released.load(ordering: .sequentiallyConsistent) > fillAgainAt,
                !isStopped.load(ordering: .relaxed)
            {
                monitor.wait()
            }
            fillerSleeps.store(false, ordering: .relaxed)
        }
    }

    func didFill() {
        // Only this thread writes it.
        let count = filled.load(ordering: .relaxed) + 1
        filled.store(count, ordering: .sequentiallyConsistent)
        if userSleeps.load(ordering: .sequentiallyConsistent), isWorthWaking(count) { wake() }
    }

    func fail(_ error: any Error) {
        monitor.withLock {
            failure = error
            hasFailed.store(true, ordering: .releasing)
            monitor.announce()
        }
    }

    // MARK: The using thread

    /// Batch `number`, after giving back all `before`; waits until it is filled.
    ///
    /// The batch is at most the second one not given back.
    /// - Returns: `nil` behind the last batch.
    func take(_ number: Int, releasing before: Int) throws -> Batch? {
        if before > released.load(ordering: .relaxed) {
            released.store(before, ordering: .sequentiallyConsistent)
            if fillerSleeps.load(ordering: .sequentiallyConsistent),
                filled.load(ordering: .relaxed) - before <= fillAgainAt
            {
                wake()
            }
        }
        guard number < total else { return nil }
        if filled.load(ordering: .acquiring) <= number { try sleepUntilFilled(number) }
        return filled.load(ordering: .acquiring) > number ? batches[number % batches.count] : nil
    }

    /// - Throws: what `fail` was given, if the batch will not come.
    private func sleepUntilFilled(_ number: Int) throws {
        let start = MonotonicClock.seconds
        defer { waitedSeconds += MonotonicClock.seconds - start }
        try monitor.withLock {
            userSleeps.store(true, ordering: .sequentiallyConsistent)
            defer { userSleeps.store(false, ordering: .relaxed) }
            while !isWorthWaking(filled.load(ordering: .sequentiallyConsistent)),
                !hasFailed.load(ordering: .acquiring), !isStopped.load(ordering: .relaxed)
            {
                monitor.wait()
            }
            if filled.load(ordering: .acquiring) <= number, let failure { throw failure }
        }
    }

    /// Whether the using thread has enough to do with `count` batches filled.
    private func isWorthWaking(_ count: Int) -> Bool {
        count == total || count - released.load(ordering: .acquiring) >= useAgainAt
    }

    // MARK: Both

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        wake()
    }

    /// Through the lock: a thread that has looked but does not sleep yet must not miss it. Not under the lock: on one
    /// core the thread that is woken runs at once, and would have to wait for this one, which gets the core back, to
    /// give the lock up.
    private func wake() {
        monitor.withLock {}
        monitor.announce()
    }
}
