import CSharedMemory
import CThreads
import MIOBase
import MIOSystem
import MIOThreads

/// One counter a rank of a group, in shared memory: each rank raises its own and waits for the others'.
///
/// What a rank wrote before it raised its counter is seen by those that saw the counter raised. A wait first spins,
/// which takes a fraction of a microsecond where each rank has a core. It gives the core away where a peer that it waits
/// for needs the very same; to anybody else that would be for some milliseconds, of which each step would lose as many.
/// After a millisecond it sleeps, since whatever takes that long may take seconds.
package final class GroupCounters {
    /// Words from one counter to the next: a cache line each, so that raising one disturbs no other.
    private static let stride = 8

    private let memory: SharedMemory
    private let words: Storage<UInt64>
    private let own: Int
    @exclusivity(unchecked) private var value: UInt64 = 0
    /// How often to look before giving the core away: fewer times after a wait that was not worth it.
    @exclusivity(unchecked) private var patience = GroupCounters.mostPatience
    private static let mostPatience = 4096
    private static let secondsAwake = 0.001
    /// How often a wait has given the core to a peer.
    @exclusivity(unchecked) package private(set) var timesGivenAway = 0

    /// Where a group's counters lie.
    package static func place(in layout: inout SharedLayout, group: RankGroup) -> SharedLayout.Place<UInt64> {
        layout.place(UInt64.self, count: group.size * stride)
    }

    package init(_ memory: SharedMemory, at place: SharedLayout.Place<UInt64>) {
        self.memory = memory
        words = memory.storage(place)
        own = memory.group.rank
    }

    /// Raises this rank's counter by one.
    package func raise() {
        value += 1
        // Where it ran, as far as its peers know: a counter and what tells them lie on one line.
        let word = words.pointer + own * Self.stride
        mio_store_release(word + 1, Self.currentCore)
        mio_store_release(word, value)
    }

    private static var currentCore: UInt64 { UInt64(bitPattern: Int64(mio_current_core())) }

    /// Whether every rank has raised its counter at least `count` times.
    package func allReached(_ count: UInt64) -> Bool {
        for rank in 0..<memory.group.size
        where mio_load_acquire(words.pointer + rank * Self.stride) < count { return false }
        return true
    }

    /// Whether a rank that has not yet raised its counter that often was last seen on this thread's core, or nobody knows.
    private func isAwaitedHere(_ count: UInt64) -> Bool {
        let here = Self.currentCore
        for rank in 0..<memory.group.size where rank != own {
            let word = words.pointer + rank * Self.stride
            if mio_load_acquire(word) < count, mio_load_acquire(word + 1) == here { return true }
        }
        return false
    }

    /// Returns when every rank has raised its counter at least `count` times.
    /// - Parameter progress: called while it waits.
    /// - Throws: `CommunicationError` if one of them cannot come any more, or from `progress`.
    package func wait(for count: UInt64, progress: () throws(CommunicationError) -> Void = {})
        throws(CommunicationError)
    {
        var looks = 0
        var start = Double.infinity
        while !allReached(count) {
            looks += 1
            if looks <= patience {
                mio_pause()
                continue
            }
            do throws(CommunicationError) { try memory.check() } catch {
                // A peer may leave once it has raised its counter for the last time.
                if allReached(count) { break }
                throw error
            }
            try progress()
            let now = MonotonicClock.seconds
            start = min(start, now)
            if now - start > Self.secondsAwake {
                usleep(50)
            } else if isAwaitedHere(count) {
                timesGivenAway += 1
                sched_yield()
            } else {
                mio_pause()
            }
        }
        // Whoever came last has not waited, and has learnt nothing: where ranks share a core it may be first next time.
        if looks > patience {
            patience = max(patience / 2, 16)
        } else if looks > 0 {
            patience = min(patience * 2, Self.mostPatience)
        }
    }

    /// Returns when every rank of the group has called it as often as this one.
    /// - Throws: `CommunicationError` if one of them cannot come any more.
    package func meet() throws(CommunicationError) {
        raise()
        try wait(for: value)
    }
}
