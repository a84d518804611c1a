import Foundation
import MIOBase
import MIOJob
import MIORunFolder
import MIOThreads
import Synchronization

/// Tells those whom a job names what happens to its run. Belongs to the supervisor's thread, and keeps it waiting for nothing but
/// the run's own small files.
package final class Notifier {
    private let folder: RunFolder
    private let name: String
    private let mioVersion: String
    private let queues: [(events: Set<RunNotification.Event>, queue: NotificationQueue)]
    /// Of the supervisor's lease, as the threads that send look at it; 0 without a lease.
    private let generation: Generation
    /// The run's events that its ranks write are behind this place.
    private var read = 0
    private var looked = -Double.infinity
    private var hasBegun = false
    private var isOver = false
    private var lastEnd: RunEnd?
    /// When an event that may come again and again was sent, and how many were left out since.
    private var repeated: [RunNotification.Event: (sent: Double, omitted: Int)] = [:]

    private static let secondsBetweenLooks = 1.0
    package static let secondsBetweenRepeated = 60.0

    /// - Parameters:
    ///   - generation: of the supervisor's lease; `nil` if the folder could not take one.
    ///   - onFailure: told, from other threads, a sentence about each message that was not sent.
    /// - Returns: `nil` if the job names nobody.
    package init?(
        _ notifications: [RunNotification], of folder: RunFolder, name: String, mioVersion: String,
        generation: Int?, onFailure: @escaping @Sendable (String) -> Void
    ) {
        guard !notifications.isEmpty else { return nil }
        self.folder = folder
        self.name = name
        self.mioVersion = mioVersion
        let current = Generation(generation ?? 0)
        self.generation = current
        // Before another thread of this process changes it.
        let environment = ProcessInfo.processInfo.environment
        let circumstances = NotificationQueue.Circumstances(
            maySend: {
                let generation = current.value.load(ordering: .relaxed)
                guard generation > 0 else { return true }
                // A file system that does not answer now is no other supervisor.
                // The one before is the newest only until the supervisor's own next one is written.
                return
                    (try? HeldLease.isCurrent(generation, in: folder)
                    || HeldLease.isCurrent(generation - 1, in: folder)) ?? true
            }, onFailure: onFailure)
        queues = notifications.enumerated().map { index, notification in
            (
                notification.events,
                NotificationQueue(
                    notification.sender(environment: environment), place: "notifications[\(index)]",
                    timeout: Double(notification.timeout), circumstances: circumstances)
            )
        }
        // What cannot be read now was there before.
        read = (try? folder.events.read().end) ?? .max
    }

    private final class Generation: Sendable {
        let value: Atomic<Int>

        init(_ value: Int) { self.value = Atomic(value) }
    }

    /// The supervisor's lease has another generation from now on, or is about to have it.
    package func renewed(_ generation: Int) { self.generation.value.store(generation, ordering: .relaxed) }

    // MARK: What happens

    /// An event that the supervisor itself has seen.
    package func heard(_ event: SupervisionEvent) {
        switch event.event {
        case .attempt:
            guard !hasBegun else { return }
            hasBegun = true
            let attempt = event.attempt ?? 1
            tell(.begun, attempt > 1 ? "goes on, attempt \(attempt)" : "begins", event)
        case .end:
            lastEnd = event.end
            if event.end?.cause == .hang { tell(.hang, "hangs: \(event.end?.text ?? "")", event) }
        case .wouldDo where event.end?.cause == .hang: tell(.hang, "hangs: \(event.end?.text ?? "")", event)
        case .restart:
            var restart = event
            restart.end = lastEnd
            tell(.restarted, "starts again: \(event.text ?? "")", restart)
        case .warning, .setAside, .hosts: tell(.warning, event.text ?? "", event)
        default: break
        }
    }

    /// Looks for what the ranks have written, now and then.
    package func look() {
        guard MonotonicClock.seconds - looked >= Self.secondsBetweenLooks else { return }
        looked = MonotonicClock.seconds
        hearRanks()
    }

    private func hearRanks() {
        let ofRanks: [SupervisionEvent.Kind: RunNotification.Event] = [
            .nonFinite: .nonFinite, .rollback: .rollback, .lossSpike: .lossSpike, .replicas: .replicas,
        ]
        guard queues.contains(where: { !$0.events.isDisjoint(with: ofRanks.values) }),
            let contents = try? folder.events.read(from: read)
        else { return }
        read = contents.end
        for event in contents.events {
            guard let kind = ofRanks[event.event] else { continue }
            tell(kind, event.text ?? event.event.rawValue, event)
        }
    }

    /// The run is over: the last that is told.
    package func over(_ state: RunStatus.State, _ end: RunEnd, step: Int) {
        guard !isOver else { return }
        isOver = true
        hearRanks()
        let event: RunNotification.Event =
            state == .finished ? .finished : state == .stopped ? .stopped : .failed
        guard wants(event) else { return }
        var message = message(event, "\(event.rawValue) at step \(step): \(end.text)", time: .now)
        message.state = state.rawValue
        message.step = step
        message.add(end)
        send(message, event, isUrgent: true)
    }

    // MARK: Sending

    private func wants(_ event: RunNotification.Event) -> Bool {
        queues.contains { $0.events.contains(event) }
    }

    private func tell(_ kind: RunNotification.Event, _ text: String, _ event: SupervisionEvent) {
        guard wants(kind), let omitted = omitted(kind) else { return }
        var message = message(kind, text, time: event.time)
        message.attempt = event.attempt ?? message.attempt
        message.step = event.step ?? message.step
        message.add(event.end)
        message.rank = event.rank ?? message.rank
        message.omitted = omitted > 0 ? omitted : nil
        send(message, kind)
    }

    private func message(_ event: RunNotification.Event, _ text: String, time: Timestamp)
        -> NotificationMessage
    {
        var run = NotificationMessage.RunName(name: name, folder: folder.path, mioVersion: mioVersion)
        run.id = ((try? folder.ledger()) ?? nil)?.id
        var message = NotificationMessage(
            event.rawValue, "\(name.shown()): \(text.shownMessage())", run: run, time: time)
        message.add(folder)
        return message
    }

    private func send(_ message: NotificationMessage, _ event: RunNotification.Event, isUrgent: Bool = false)
    {
        for queue in queues where queue.events.contains(event) {
            queue.queue.add(message, isUrgent: isUrgent)
        }
    }

    /// How many events of a kind were left out since one was sent; `nil` if this one is to be left out too.
    private func omitted(_ event: RunNotification.Event) -> Int? {
        guard [.warning, .nonFinite, .rollback, .lossSpike, .replicas].contains(event) else { return 0 }
        let now = MonotonicClock.seconds
        guard let last = repeated[event], now - last.sent < Self.secondsBetweenRepeated else {
            let omitted = repeated[event]?.omitted ?? 0
            repeated[event] = (now, 0)
            return omitted
        }
        repeated[event] = (last.sent, last.omitted + 1)
        return nil
    }

    private var isIdle: Bool { queues.allSatisfy { $0.queue.isIdle } }

    /// Waits for what is being sent, no longer than the slowest way may take.
    /// - Parameter isInterrupted: asked several times a second; nothing is waited for any more if it is so.
    package func close(isInterrupted: () -> Bool) {
        for queue in queues { queue.queue.close() }
        // Each queue gives up by itself; a try that was asked to end may take a moment more.
        let longest = (queues.map { $0.queue.secondsToClose }.max() ?? 0) + 1
        let end = MonotonicClock.seconds + longest
        while MonotonicClock.seconds < end, !isInterrupted(), !isIdle { usleep(20_000) }
        if isIdle { return }
        // A program would go on without this process.
        for queue in queues { queue.queue.abandon() }
        let last = MonotonicClock.seconds + 0.5
        while MonotonicClock.seconds < last, !isIdle { usleep(5_000) }
    }
}
