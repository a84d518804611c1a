import MIOTensor
import MIOThreads
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

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

    /// Runs `body` on threads at the same time, each given its number.
    /// - Returns: what each returned.
    /// - Throws: the first error of `body`; `ThreadError`.
    static func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Double) throws -> [Double]
    {
        let box = Results(count: count)
        let threads = try (0..<count).map { number in
            try JoinableThread(named: "mio scale") { box.set(number, Result { try body(number) }) }
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
