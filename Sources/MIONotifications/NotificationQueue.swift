import MIOBase
import MIOThreads

/// The messages for one way of telling somebody, and the thread that sends them.
///
/// `@unchecked Sendable`: the monitor guards everything that changes.
package final class NotificationQueue: @unchecked Sendable {
    /// What becomes of messages that could not be sent, and who may send.
    package struct Circumstances: Sendable {
        /// Whether this supervisor still has the run.
        package var maySend: @Sendable () -> Bool
        /// Told a whole sentence about each message that was not sent.
        package var onFailure: @Sendable (String) -> Void

        package init(
            maySend: @escaping @Sendable () -> Bool = { true },
            onFailure: @escaping @Sendable (String) -> Void
        ) {
            self.maySend = maySend
            self.onFailure = onFailure
        }
    }

    private struct Pending {
        var message: NotificationMessage
        var isUrgent: Bool
        var tries = 0
        /// By the monotonic clock.
        var notBefore = 0.0
    }

    /// More than a run has to tell while an address does not answer.
    private static let mostWaiting = 100
    /// Before the second try, by the clock; each further one comes after four times as long.
    private static let firstPause = 1.0
    private static let longestPause = 300.0
    /// When the run is over.
    private static let longestLastPause = 4.0

    private let sender: any NotificationSender
    private let place: String
    private let timeout: Double
    private let circumstances: Circumstances
    private let monitor = Monitor()
    private var waiting: [Pending] = []
    private var isSending = false
    private var hasThread = false
    private var isAbandoned = false
    /// When everything must be over; `nil` while the run goes on.
    private var deadline: Double?

    /// - Parameters:
    ///   - place: of the entry in the job: `notifications[0]`.
    ///   - timeout: seconds of a try.
    package init(
        _ sender: any NotificationSender, place: String, timeout: Double, circumstances: Circumstances
    ) {
        self.sender = sender
        self.place = place
        self.timeout = timeout
        self.circumstances = circumstances
    }

    /// Takes a message, and returns at once.
    /// - Parameter isUrgent: before all that waits.
    package func add(_ message: NotificationMessage, isUrgent: Bool = false) {
        let isTaken: Bool = monitor.withLock {
            guard waiting.count < Self.mostWaiting || isUrgent else { return false }
            waiting.insert(
                Pending(message: message, isUrgent: isUrgent), at: isUrgent ? 0 : waiting.count)
            startThread()
            monitor.announce()
            return true
        }
        if !isTaken { notSent(message, "\(Self.mostWaiting) others wait") }
    }

    /// With the lock held.
    private func startThread() {
        guard !hasThread else { return }
        do {
            _ = try JoinableThread(named: "mio notifies") { [self] in run() }
            hasThread = true
        } catch { circumstances.onFailure("\(place): \(error.message)") }
    }

    /// How long the end of a run waits for what is being sent.
    package var secondsToClose: Double { sender.mostTries > 1 ? 3 * timeout : timeout }

    /// The run is over: what waits is tried soon, and given up after `secondsToClose`.
    package func close() {
        monitor.withLock {
            guard deadline == nil else { return }
            let now = MonotonicClock.seconds
            deadline = now + secondsToClose
            for index in waiting.indices {
                waiting[index].notBefore = min(waiting[index].notBefore, now + Self.firstPause)
            }
            monitor.announce()
        }
    }

    /// Nobody waits any more: what is being sent is ended.
    package func abandon() { monitor.withLock { isAbandoned = true } }

    /// Nothing waits, nothing is being sent, and what was not sent is told.
    package var isIdle: Bool { monitor.withLock { waiting.isEmpty && !isSending || !hasThread } }

    private func run() {
        monitor.lock()
        while true {
            let now = MonotonicClock.seconds
            if let deadline, now >= deadline {
                let left = waiting
                waiting = []
                isSending = true
                defer { isSending = false }
                unlocked { for one in left { notSent(one.message, "the run was over") } }
            }
            guard let index = waiting.firstIndex(where: { $0.notBefore <= now }) else {
                if let next = waiting.map(\.notBefore).min() {
                    monitor.wait(seconds: max(0, min(next, deadline ?? next) - now))
                } else if deadline != nil {
                    break
                } else {
                    monitor.wait()
                }
                continue
            }
            let pending = waiting.remove(at: index)
            let limit = min(timeout, (deadline ?? .infinity) - now)
            isSending = true
            let again = unlocked { attempt(pending, within: limit) }
            isSending = false
            if let again { waiting.append(again) }
        }
        monitor.unlock()
    }

    private func unlocked<Value>(_ body: () -> Value) -> Value {
        monitor.unlock()
        defer { monitor.lock() }
        return body()
    }

    /// - Returns: what is to be tried again.
    private func attempt(_ pending: Pending, within limit: Double) -> Pending? {
        guard circumstances.maySend() else { return nil }
        let outcome = sender.send(
            pending.message, within: limit,
            isAbandoned: { monitor.withLock { isAbandoned || mustYield(pending) } })
        guard case .failed(let reason, let mayBeTriedAgain) = outcome else { return nil }
        var again = pending
        again.tries += 1
        guard mayBeTriedAgain, again.tries < sender.mostTries else {
            notSent(pending.message, reason + (again.tries > 1 ? ", after \(again.tries) tries" : ""))
            return nil
        }
        var pause = Self.firstPause
        for _ in 1..<again.tries { pause *= 4 }
        let now = MonotonicClock.seconds
        let deadline = monitor.withLock { self.deadline }
        again.notBefore = now + min(pause, deadline == nil ? Self.longestPause : Self.longestLastPause)
        guard again.notBefore < deadline ?? .infinity else {
            notSent(pending.message, reason + ", and the run was over")
            return nil
        }
        return again
    }

    /// With the lock held.
    /// - Returns: whether half of the time that is left at the end has gone by, and the rest is for what is urgent.
    private func mustYield(_ pending: Pending) -> Bool {
        guard let deadline, !pending.isUrgent, waiting.contains(where: \.isUrgent) else { return false }
        return MonotonicClock.seconds > deadline - secondsToClose / 2
    }

    private func notSent(_ message: NotificationMessage, _ reason: String) {
        circumstances.onFailure(
            "\(place): \(sender.name) was not told of \(quoted: message.event): \(reason)")
    }
}
