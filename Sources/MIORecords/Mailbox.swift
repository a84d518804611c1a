import MIOThreads

/// How the thread that steps hands numbers to the record keeper's thread: a ring of entries, made before the
/// first step. Posting numbers allocates nothing; if the ring is full the producer waits, so that nothing is
/// lost, and the waits are counted.
///
/// Numbers do not wake the receiver, which looks ten times a second and is called only when half of the ring is
/// full: waking it for each would cost more than posting does, and on a machine whose cores are all taken by
/// training it would interrupt the step. What is rare (an event, a flush, the end) wakes it at once.
///
/// Sendable, unchecked: entries and counters are touched only with the lock held.
package final class Mailbox: @unchecked Sendable {
    /// What the receiver gets.
    package struct Letter: Sendable {
        package enum Content: Sendable {
            /// Numbers of a registered kind.
            case numbers(kind: Int, step: Int, epoch: Int, values: [Double])
            case event(RunEvent)
            /// Everything posted before is to be put where it survives.
            case flush
        }
        /// 1 for the first letter ever posted.
        package let sequence: Int
        package let content: Content
    }

    private struct Entry {
        var kind = 0
        var step = 0
        var epoch = 0
        var count = 0
    }

    /// The receiver's longest sleep.
    private static let secondsBetweenLooks = 0.1
    private static let eventKind = -1
    private static let flushKind = -2

    package let capacity: Int
    package let valuesPerEntry: Int
    private let monitor = Monitor()
    private let entries: UnsafeMutableBufferPointer<Entry>
    private let values: UnsafeMutableBufferPointer<Double>
    /// The events in the ring, in order.
    private var events: [RunEvent] = []
    private var posted = 0
    private var received = 0
    private var waits = 0
    private var isClosed = false

    /// - Precondition: both are at least 1.
    package init(capacity: Int, valuesPerEntry: Int) {
        precondition(capacity >= 1 && valuesPerEntry >= 1, "a mailbox without room")
        self.capacity = capacity
        self.valuesPerEntry = valuesPerEntry
        entries = .allocate(capacity: capacity)
        entries.initialize(repeating: Entry())
        values = .allocate(capacity: capacity * valuesPerEntry)
        values.initialize(repeating: 0)
    }

    deinit {
        entries.deallocate()
        values.deallocate()
    }

    /// How often a producer found the ring full.
    package var producerWaits: Int {
        monitor.withLock { waits }
    }

    /// Copies the numbers into the ring, without allocating.
    ///
    /// - Returns: the letter's sequence number.
    /// - Precondition: the kind is not negative, the values fit an entry, the mailbox is open.
    @discardableResult
    package func post(kind: Int, step: Int, epoch: Int, values: UnsafeBufferPointer<Double>) -> Int {
        precondition(kind >= 0 && values.count <= valuesPerEntry, "numbers that no entry was made for")
        monitor.lock()
        defer { monitor.unlock() }
        let index = waitForRoom()
        entries[index] = Entry(kind: kind, step: step, epoch: epoch, count: values.count)
        for position in values.indices {
            self.values[index * valuesPerEntry + position] = values[position]
        }
        return send(wakes: posted - received + 1 == (capacity + 1) / 2)
    }

    /// Posts an event whose values were not registered; this one allocates.
    @discardableResult
    package func post(_ event: RunEvent) -> Int {
        monitor.lock()
        defer { monitor.unlock() }
        entries[waitForRoom()].kind = Self.eventKind
        events.append(event)
        return send(wakes: true)
    }

    /// Posts the request to flush what came before.
    package func postFlush() -> Int {
        monitor.lock()
        defer { monitor.unlock() }
        entries[waitForRoom()].kind = Self.flushKind
        return send(wakes: true)
    }

    /// The next letter; waits for one.
    /// - Parameter beforeWaiting: called, without the lock, when there is none.
    /// - Returns: `nil` once the mailbox is closed and empty.
    package func receive(beforeWaiting: () -> Void = {}) -> Letter? {
        monitor.lock()
        defer { monitor.unlock() }
        if received == posted, !isClosed {
            monitor.unlock()
            beforeWaiting()
            monitor.lock()
        }
        while received == posted {
            if isClosed { return nil }
            monitor.wait(seconds: Self.secondsBetweenLooks)
        }
        let index = received % capacity
        let entry = entries[index]
        let content: Letter.Content =
            switch entry.kind {
            case Self.eventKind: .event(events.removeFirst())
            case Self.flushKind: .flush
            default:
                .numbers(
                    kind: entry.kind, step: entry.step, epoch: entry.epoch,
                    values: Array(values[index * valuesPerEntry..<index * valuesPerEntry + entry.count]))
            }
        received += 1
        monitor.announce()
        return Letter(sequence: received, content: content)
    }

    /// No more letters; those in the ring are still received.
    package func close() {
        monitor.withLock {
            isClosed = true
            monitor.announce()
        }
    }

    /// Called with the lock held. The index of a free entry.
    private func waitForRoom() -> Int {
        if posted - received == capacity {
            waits += 1
            monitor.announce()
        }
        while posted - received == capacity { monitor.wait() }
        precondition(!isClosed, "a letter to a closed mailbox")
        return posted % capacity
    }

    /// Called with the lock held.
    private func send(wakes: Bool) -> Int {
        posted += 1
        if wakes { monitor.announce() }
        return posted
    }
}
