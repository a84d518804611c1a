import MIOThreads
import Testing

@Suite struct MonitorTests {
    /// `@unchecked Sendable`: `count` is touched with the monitor held only.
    private final class Counter: @unchecked Sendable {
        let monitor = Monitor()
        var count = 0
    }

    @Test func incrementsFromSeveralThreadsAreNotLost() throws {
        let counter = Counter()
        let threads = try (0..<4).map { index in
            try JoinableThread(named: "counter \(index)") {
                for _ in 0..<1000 { counter.monitor.withLock { counter.count += 1 } }
            }
        }
        for thread in threads { thread.join() }
        #expect(counter.count == 4000)
    }

    @Test func newsWakesTheThreadThatWaits() throws {
        let counter = Counter()
        let thread = try JoinableThread(named: "replies") {
            counter.monitor.lock()
            defer { counter.monitor.unlock() }
            while counter.count == 0 { counter.monitor.wait() }
            counter.count = 2
            counter.monitor.announce()
        }
        counter.monitor.withLock {
            counter.count = 1
            counter.monitor.announce()
            while counter.count != 2 { counter.monitor.wait() }
        }
        thread.join()
        #expect(counter.count == 2)
    }

    @Test func aWaitWithoutNewsEnds() {
        let monitor = Monitor()
        let start = ContinuousClock.now
        monitor.withLock { monitor.wait(seconds: 0.02) }
        // Later than asked for, much later on a busy machine, but not never.
        #expect(start.duration(to: .now) < .seconds(60))
    }

    @Test func anErrorGivesTheLockBack() throws {
        struct Refusal: Error {}
        let monitor = Monitor()
        #expect(throws: Refusal.self) { try monitor.withLock { throw Refusal() } }
        #expect(monitor.withLock { true })
    }
}
