import MIOBase
import MIOSystem
import MIOThreads
import Synchronization
import Testing

@Suite struct JoinableThreadTests {
    @Test func joinReturnsAfterTheBody() throws {
        let done = Mutex(false)
        try withThread { done.withLock { $0 = true } }
        #expect(done.withLock { $0 })
    }

    @Test func theErrorSaysWhichThreadAndWhatToDo() {
        let error = RunError.noThread(named: "events", reason: "Resource temporarily unavailable")
        #expect(
            error.description
                == "cannot start the thread \"events\": Resource temporarily unavailable; raise the limits of "
                + "threads (`ulimit -u`) and memory")
        #expect(error.exitCode == .inputOutput)
    }

    @Test func itTakesNoSignals() throws {
        let blocked = Mutex<[Int32]>([])
        try withThread {
            var mask = sigset_t()
            pthread_sigmask(SIG_SETMASK, nil, &mask)
            let signals = [SIGTERM, SIGUSR1, SIGINT].filter { sigismember(&mask, $0) == 1 }
            blocked.withLock { $0 = signals }
        }
        #expect(blocked.withLock { $0 } == [SIGTERM, SIGUSR1, SIGINT])
    }

    @Test func theStackHoldsWhatAMainThreadsDoes() throws {
        let sum = Mutex(0)
        try withThread {
            // 4 MiB of the 8.
            withUnsafeTemporaryAllocation(byteCount: 4 << 20, alignment: 16) { memory in
                memory.initializeMemory(as: UInt8.self, repeating: 1)
                let last = memory.count - 1
                sum.withLock { $0 = Int(memory[0]) + Int(memory[last]) }
            }
        }
        #expect(sum.withLock { $0 } == 2)
    }

    private func withThread(_ body: @escaping @Sendable () -> Void) throws {
        try JoinableThread(named: "test", body).join()
    }
}
