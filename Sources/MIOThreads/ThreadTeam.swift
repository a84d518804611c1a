import CThreads
import MIOBase
import Synchronization

/// Threads that work together with the one that owns them, again and again: fork and join.
///
/// Members wait for work, and the owner for its end, first awake, which takes a fraction of a microsecond where each has
/// a core, and then asleep. A run allocates nothing.
///
/// It belongs to one thread, which is its member 0.
@usableFromInline
package final class ThreadTeam {
    /// Numbers in the cache that are read, added up, written: one thread is done with fewer before others would have
    /// begun.
    @inlinable
    package static var worthSharing: Int { 1 << 15 }

    /// The owner included.
    package let count: Int
    /// Whether a run is under way, in which the owner cannot begin another.
    @exclusivity(unchecked) package private(set) var isWorking = false
    private let shared: Shared
    private var threads: [JoinableThread] = []

    /// Starts all threads but the owner's.
    /// - Precondition: `count` is at least 1.
    /// - Throws: `RunError` if the system has no thread left.
    package init(count: Int) throws(RunError) {
        precondition(count >= 1, "a team of \(count)")
        self.count = count
        shared = Shared(helpers: count - 1)
        for member in 1..<max(count, 1) {
            threads.append(
                try JoinableThread(named: "member \(member) of a team") { [shared] in shared.attend(member) })
        }
    }

    deinit {
        shared.end()
        for thread in threads { thread.join() }
    }

    /// Every member does `work`, given its number; returns when all have. What was written before is seen by all, and
    /// what they write afterwards by the owner.
    package func run(_ work: @escaping (_ member: Int) -> Void) {
        precondition(!isWorking, "a run of a team within another")
        isWorking = true
        defer { isWorking = false }
        guard count > 1 else { return work(0) }
        shared.start(work)
        work(0)
        shared.join()
    }

    /// `@unchecked Sendable`: `work` is changed only while no helper works, which the counts tell.
    private final class Shared: @unchecked Sendable {
        /// Looks before sleeping: some tens of microseconds, of which the gaps in a step have few.
        private static let looks = 4096

        private let helpers: Int
        /// Runs begun, and ends of helpers in all of them.
        private let begun = Atomic(0)
        private let ended = Atomic(0)
        private let isEnding = Atomic(false)
        /// Who sleeps or is about to. As in a ring of batches: a thread says so before it looks for the last time, the
        /// others look here after they have changed a count, all in one order.
        private let sleepers = Atomic(0)
        private let monitor = Monitor()
        private var work: ((Int) -> Void)?

        init(helpers: Int) { self.helpers = helpers }

        func start(_ work: @escaping (Int) -> Void) {
            self.work = work
            begun.add(1, ordering: .sequentiallyConsistent)
            wakeSleepers()
        }

        func join() {
            let all = begun.load(ordering: .relaxed) * helpers
            wait { ended.load(ordering: .sequentiallyConsistent) == all }
            work = nil
        }

        func attend(_ member: Int) {
            var runs = 0
            while true {
                runs += 1
                wait {
                    begun.load(ordering: .sequentiallyConsistent) >= runs
                        || isEnding.load(ordering: .sequentiallyConsistent)
                }
                if isEnding.load(ordering: .relaxed) { return }
                perform(member)
                ended.add(1, ordering: .sequentiallyConsistent)
                wakeSleepers()
            }
        }

        /// A function of its own, so that the work is let go of before its end is told: a helper that held on to it longer
        /// could be the last to hold what it refers to, the team itself for one, whose end waits for the helper.
        @inline(never) private func perform(_ member: Int) { work?(member) }

        func end() {
            isEnding.store(true, ordering: .sequentiallyConsistent)
            wakeSleepers()
        }

        private func wait(until isTime: () -> Bool) {
            for _ in 0..<Self.looks {
                if isTime() { return }
                mio_pause()
            }
            sleepers.add(1, ordering: .sequentiallyConsistent)
            defer { sleepers.subtract(1, ordering: .sequentiallyConsistent) }
            monitor.withLock { while !isTime() { monitor.wait() } }
        }

        /// Through the lock, for a thread that has looked but does not sleep yet; not under it, for one that is woken
        /// may run at once.
        private func wakeSleepers() {
            guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
            monitor.withLock {}
            monitor.announce()
        }
    }
}

extension Range<Int> {
    /// A member's share of what a team does: consecutive, and all shares together are the whole.
    /// - Parameter unit: shares begin at multiples of it from the start: 16 floats are a cache line.
    @inlinable
    package func share(of member: Int, among count: Int, unit: Int = 1) -> Range<Int> {
        func bound(_ member: Int) -> Int {
            member == count ? upperBound : lowerBound + self.count / unit * member / count * unit
        }
        return bound(member)..<bound(member + 1)
    }
}
