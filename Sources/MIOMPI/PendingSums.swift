import CMPI
import MIOComm
import MIOThreads

/// The sums between groups that are under way, by number, and the thread that moves them along while the step computes.
///
/// MPI works on a sum only inside its calls, and a convolution's backward pass may take longer than the network needs for
/// all gradients. The thread makes such calls twice a millisecond while a large sum is under way, and sleeps otherwise. It
/// pays also where it shares its core with the step: what it does there, mostly copying, has to be done anyway.
///
/// MPI is called by one thread at a time (MPI_THREAD_SERIALIZED), by whoever holds the lock: everything that calls it
/// while sums may be under way goes through `exclusively`.
///
/// `@unchecked Sendable`: every variable is read and written with the lock held, except for `thread`, which is the step's.
final class PendingSums: @unchecked Sendable {
    private let monitor = Monitor()
    private var sums: [PendingSum] = []
    private var thread: JoinableThread?
    private var isEnding = false
    /// Elements of the sums that were started and not yet waited for.
    private var underWay = 0
    /// What befell the thread: for the step's next call.
    private var failure: CommunicationError?

    private static let pauseSeconds = 0.0005
    /// 256 KiB: less is there before the thread would be awake, and waking it takes longer than a small model's step.
    private static let worthWaking = 1 << 16

    /// Runs `body`, which may call MPI, while no other thread does.
    func exclusively<Value>(_ body: () throws(CommunicationError) -> Value) throws(CommunicationError)
        -> Value
    {
        monitor.lock()
        defer { monitor.unlock() }
        return try body()
    }

    /// The same, of a caller that does nothing with MPI's errors.
    func exclusively<Value>(_ body: () -> Value) -> Value { monitor.withLock(body) }

    // MARK: The step's side

    /// - Parameter hasThread: whether a thread may call MPI besides the step's.
    func reserve(sums count: Int, hasThread: Bool) {
        exclusively {
            while sums.count < count { sums.append(PendingSum()) }
            guard hasThread, thread == nil else { return }
            // Where the system has no thread left, sums move in the step's own calls, as they do without one.
            thread = try? JoinableThread(named: "sums between machines") { self.attend() }
        }
    }

    func start(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, elementsPerCall: Int,
        column: Column, number: Int
    ) throws(CommunicationError) {
        let isWorthWaking = try exclusively { () throws(CommunicationError) in
            precondition(sums.indices.contains(number), "sum \(number) is not reserved")
            // Their second phases begin in the order of their numbers, on all ranks.
            precondition(
                !sums[number...].contains { $0.isRunning },
                "sum \(number) is not beyond those that are running")
            if let failure { throw failure }
            try sums[number].start(
                values, count: count, order: order, elementsPerCall: elementsPerCall, column: column)
            underWay += count
            return underWay >= Self.worthWaking
        }
        // Without the lock: on one core the thread runs at once, and would have to wait for it.
        if isWorthWaking { monitor.announce() }
    }

    /// Moves the sums along.
    func progress() throws(CommunicationError) {
        try exclusively { () throws(CommunicationError) in
            if let failure { throw failure }
            try advance()
        }
    }

    func waitForSum(_ number: Int) throws(CommunicationError) {
        try exclusively { () throws(CommunicationError) in
            precondition(
                sums.indices.contains(number) && sums[number].isRunning, "sum \(number) was not started")
            if let failure { throw failure }
            // All of them: the others' second phases must not wait for this one's end.
            while !sums[number].isComplete { try advance() }
            sums[number].end()
            underWay -= sums[number].count
        }
    }

    /// Whether large sums are under way, which must move on while something else is waited for: at the same point of
    /// the program the same on all ranks of a column.
    var areLarge: Bool { exclusively { underWay >= Self.worthWaking } }

    /// Starts one of MPI's nonblocking collectives, and returns when it is complete; moves the sums along meanwhile.
    func complete(_ name: String, rank: Int, start: (inout MPI_Request?) -> CInt) throws(CommunicationError) {
        try exclusively { () throws(CommunicationError) in
            if let failure { throw failure }
            var request: MPI_Request? = mio_mpi_request_null()
            try check(start(&request), name, rank)
            while !(try hasCompleted(&request, rank)) { try advance() }
        }
    }

    /// Whether a sum that was started is complete: looks only.
    func isSumComplete(_ number: Int) -> Bool { exclusively { sums[number].isComplete } }

    /// Ends the thread.
    /// - Precondition: all sums were waited for.
    func end() {
        exclusively {
            precondition(!sums.contains { $0.isRunning }, "sums that nobody waited for")
            isEnding = true
            monitor.announce()
        }
        thread?.join()
        thread = nil
    }

    // MARK: The thread's side

    private func attend() {
        // It must not wait until the step has had a long turn of their core.
        askForTurns(ofNanoseconds: 100_000)
        monitor.lock()
        defer { monitor.unlock() }
        while !isEnding {
            do throws(CommunicationError) {
                try advance()
            } catch {
                failure = error
                return
            }
            let isNeeded = underWay >= Self.worthWaking && sums.contains { $0.isRunning && !$0.isComplete }
            if isNeeded { monitor.wait(seconds: Self.pauseSeconds) } else { monitor.wait() }
        }
    }

    /// With the lock held.
    private func advance() throws(CommunicationError) {
        for number in sums.indices where sums[number].isRunning {
            try sums[number].advance()
            guard sums[number].hasBegunAll else { return }
        }
    }
}
