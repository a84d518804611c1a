import MIOBase
import MIOThreads

/// An event whose values are known before the first step: its word, and the names of its numbers in order.
package struct EventKind: Hashable, Sendable {
    package let event: String
    package let names: [String]

    package init(event: String, names: [String]) {
        self.event = event
        self.names = names
    }
}

/// The thread that takes events from the mailbox and gives them to the sinks, which it alone touches.
///
/// Sendable, unchecked: `sinks` belongs to the thread; `flushed` is touched only with the lock held.
final class EventThread: @unchecked Sendable {
    private let mailbox: Mailbox
    private let kinds: [EventKind]
    private let sinks: [any MetricSink]
    private let errors: BackgroundErrors
    private let monitor = Monitor()
    private var flushed = 0
    private var thread: JoinableThread?

    init(mailbox: Mailbox, kinds: [EventKind], sinks: sending [any MetricSink], errors: BackgroundErrors)
        throws(RunError)
    {
        self.mailbox = mailbox
        self.kinds = kinds
        self.sinks = sinks
        self.errors = errors
        thread = try JoinableThread(named: "mio events") { [self] in run() }
    }

    private func run() {
        while let letter = mailbox.receive(beforeWaiting: { each { try $0.push() } }) {
            switch letter.content {
            case .numbers(let kind, let step, let epoch, let values):
                let named = zip(kinds[kind].names, values).map { RunEvent.Value($0, $1) }
                let event = RunEvent(
                    checked: kinds[kind].event, step: step, epoch: epoch, values: named)
                each { try $0.write(event) }
            case .event(let event):
                each { try $0.write(event) }
            case .flush:
                each { try $0.flush() }
                monitor.withLock {
                    flushed = letter.sequence
                    monitor.announce()
                }
            }
        }
        each { try $0.close() }
    }

    /// One sink's failure keeps nothing from the others.
    private func each(_ body: (any MetricSink) throws -> Void) {
        for sink in sinks {
            do { try body(sink) } catch { errors.add(error) }
        }
    }

    /// Returns when the flush with this sequence number is done, successfully or not.
    func waitUntilFlushed(_ sequence: Int) {
        monitor.withLock {
            while flushed < sequence { monitor.wait() }
        }
    }

    /// After the mailbox was closed: returns when all letters are written and the sinks closed.
    func join() { thread.take()?.join() }
}
