import MIOBase
import MIOComm
import MIOSystem
import MIOThreads
import Synchronization

/// Measures what a machine's memory does for its cores.
enum MachineProbe {
    /// Beyond every cache.
    private static let mostBytes = 64 << 20
    private static let leastBytes = 1 << 12
    /// Bytes copied between two looks at the clock, at least.
    private static let bytesPerTiming = 16 << 20
    private static let timings = 6
    private static let roundTrips = 20_000

    /// Bytes that `threads` threads together read and write in a second, copying blocks of their own.
    /// - Parameter workingSet: bytes that a thread goes over again and again: small ones stay in its caches, which are
    ///   faster than memory.
    static func bandwidth(threads: Int, workingSet: Int) throws -> Double {
        let size = max(leastBytes, min(mostBytes, workingSet / 2))
        let copies = max(1, bytesPerTiming / size)
        let seconds = try onThreads(threads) { _ in
            let source = Storage<UInt8>(count: size)
            let target = Storage<UInt8>(count: size)
            memcpy(target.pointer, source.pointer, size)
            var fastest = Double.infinity
            for _ in 0..<timings {
                let elapsed = ContinuousClock().measure {
                    for _ in 0..<copies { memcpy(target.pointer, source.pointer, size) }
                }
                fastest = min(fastest, elapsed / .seconds(1))
            }
            return fastest / Double(copies)
        }
        // Each copy reads a block and writes one.
        return seconds.reduce(0) { $0 + 2 * Double(size) / $1 }
    }

    /// Bytes a second that a core takes over from another's cache: what two threads lose when each, having written a
    /// block of its own, reads the other's instead of its own.
    /// - Parameter blockBytes: what a thread writes.
    static func cacheTransfer(blockBytes: Int) throws -> Double {
        let count = max(leastBytes, min(mostBytes, blockBytes)) / MemoryLayout<Float>.stride
        let bytes = count * MemoryLayout<Float>.stride
        let rounds = max(timings, bytesPerTiming / bytes)
        let seconds = try InProcessCommunicator.run(worldSize: 2) { communicator in
            bindToCore(communicator.rank)
            var layout = SharedLayout()
            let counters = GroupCounters.place(in: &layout, group: communicator.group)
            let places = (0..<2).map { _ in layout.place(Float.self, count: count) }
            let memory = try communicator.shareMemory(byteCount: layout.byteCount)
            let meeting = GroupCounters(memory, at: counters)
            let blocks = places.map { memory.storage($0) }
            let copy = Storage<Float>(count: count)
            func fastest(reading read: Storage<Float>) throws -> Double {
                var seconds = Double.infinity
                for round in 0..<rounds {
                    try meeting.meet()
                    let elapsed = try ContinuousClock().measure {
                        blocks[communicator.rank].fill(Float(round))
                        try meeting.meet()
                        memcpy(copy.pointer, read.pointer, bytes)
                        try meeting.meet()
                    }
                    seconds = min(seconds, elapsed / .seconds(1))
                }
                return seconds
            }
            let own = try fastest(reading: blocks[communicator.rank])
            return (own: own, other: try fastest(reading: blocks[1 - communicator.rank]))
        }
        // The other's lines come once, and a thread's own ones are taken back once.
        let lost = seconds.map { max($0.other - $0.own, $0.own / 1000) }.max() ?? 0
        return 2 * Double(bytes) / lost
    }

    /// Seconds from a store of one thread until another one sees it: half a round trip.
    static func hop() throws -> Double {
        let turn = Atomic(0)
        let seconds = try onThreads(2) { thread in
            let elapsed = ContinuousClock().measure {
                for trip in 0..<roundTrips {
                    let mine = 2 * trip + thread
                    var looks = 0
                    while turn.load(ordering: .acquiring) != mine {
                        looks += 1
                        // On one core the other thread has to get its turn.
                        if looks % 1000 == 0 { sched_yield() }
                    }
                    turn.store(mine + 1, ordering: .releasing)
                }
            }
            return elapsed / .seconds(1)
        }
        return max(seconds.min() ?? 0, 1e-9) / Double(2 * roundTrips)
    }

    /// Runs `body` on threads at the same time, each given its number, on a core of its own where there is one.
    /// - Returns: what each returned.
    /// - Throws: the first error of `body`; `RunError`.
    static func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Double) throws -> [Double]
    {
        let box = Results(count: count)
        // All or none: those that started may wait for one that could not.
        let go = Atomic(0)
        var threads: [JoinableThread] = []
        do {
            for number in 0..<count {
                threads.append(
                    try JoinableThread(named: "mio scale") {
                        bindToCore(number)
                        while go.load(ordering: .acquiring) == 0 { sched_yield() }
                        guard go.load(ordering: .acquiring) > 0 else { return }
                        box.set(number, Result { try body(number) })
                    })
            }
            go.store(1, ordering: .releasing)
        } catch {
            go.store(-1, ordering: .releasing)
            for thread in threads { thread.join() }
            throw error
        }
        for thread in threads { thread.join() }
        return try box.values()
    }

    private final class Results: Sendable {
        private let results: Mutex<[Result<Double, any Error>?]>

        init(count: Int) { results = Mutex(Array(repeating: nil, count: count)) }

        func set(_ number: Int, _ result: sending Result<Double, any Error>) {
            results.withLock { $0[number] = result }
        }

        func values() throws -> [Double] { try results.withLock { try $0.compactMap { try $0?.get() } } }
    }
}
