import MIONotifications
import MIOThreads
import ProcessSupport
import Synchronization
import Testing

/// A way whose answers a test says.
private final class Rehearsed: NotificationSender {
    let name = "somebody"
    let mostTries: Int
    private let answers: Mutex<[SendOutcome]>
    private let heard = Mutex<[String]>([])
    /// How long a try takes, if it is allowed that long.
    private let seconds: Double

    /// - Parameter answers: the last one again and again.
    init(_ answers: [SendOutcome], mostTries: Int = 6, seconds: Double = 0) {
        self.answers = Mutex(answers)
        self.mostTries = mostTries
        self.seconds = seconds
    }

    var texts: [String] { heard.withLock { $0 } }

    func send(_ message: NotificationMessage, within limit: Double, isAbandoned: () -> Bool) -> SendOutcome {
        heard.withLock { $0.append(message.text) }
        let end = MonotonicClock.seconds + min(seconds, limit)
        let monitor = Monitor()
        while MonotonicClock.seconds < end, !isAbandoned() {
            monitor.withLock { monitor.wait(seconds: 0.01) }
        }
        return answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
    }
}

@Suite struct QueueTests {
    private let failures = Failures()

    private final class Failures: Sendable {
        let texts = Mutex<[String]>([])
        var all: [String] { texts.withLock { $0 } }
    }

    private func queue(
        _ sender: Rehearsed, timeout: Double = 1, maySend: @escaping @Sendable () -> Bool = { true }
    ) -> NotificationQueue {
        let failures = failures
        return NotificationQueue(
            sender, place: "notifications[0]", timeout: timeout,
            circumstances: .init(maySend: maySend) { text in failures.texts.withLock { $0.append(text) } })
    }

    private func message(_ text: String) -> NotificationMessage {
        NotificationMessage("failed", text, run: .init(name: "run", folder: "/run"))
    }

    @Test func whatIsSentIsSentOnce() throws {
        let sender = Rehearsed([.sent])
        let queue = queue(sender)
        for text in ["a", "b", "c"] { queue.add(message(text)) }
        try waitUntil("all sent") { queue.isIdle }
        #expect(sender.texts == ["a", "b", "c"])
        #expect(failures.all.isEmpty)
    }

    @Test func whatFailsIsTriedAgainAndToldWhenItIsGivenUp() throws {
        let sender = Rehearsed([.failed("answered 500", mayBeTriedAgain: true)], mostTries: 2)
        let queue = queue(sender)
        queue.add(message("a"))
        try waitUntil("given up") { queue.isIdle }
        #expect(sender.texts == ["a", "a"])
        #expect(
            failures.all == [
                #"notifications[0]: somebody was not told of "failed": answered 500, after 2 tries"#
            ])
    }

    @Test func whatCannotWorkIsNotTriedAgain() throws {
        let sender = Rehearsed([.failed("answered 404", mayBeTriedAgain: false)])
        let queue = queue(sender)
        queue.add(message("a"))
        try waitUntil("given up") { queue.isIdle }
        #expect(sender.texts == ["a"])
        #expect(failures.all.count == 1)
    }

    /// A message that waits for its next try keeps no other one waiting.
    @Test func othersGoOnMeanwhile() throws {
        let sender = Rehearsed([.failed("answered 500", mayBeTriedAgain: true), .sent])
        let queue = queue(sender)
        queue.add(message("a"))
        queue.add(message("b"))
        try waitUntil("all sent") { queue.isIdle }
        #expect(sender.texts == ["a", "b", "a"])
        #expect(failures.all.isEmpty)
    }

    @Test func theEndWaitsNoLongerThanItsLimit() throws {
        let sender = Rehearsed([.failed("too long", mayBeTriedAgain: false)], mostTries: 1, seconds: 1000)
        let queue = queue(sender, timeout: 0.2)
        for text in 0..<50 { queue.add(message("\(text)")) }
        queue.close()
        try waitUntil("over") { queue.isIdle }
        #expect(queue.secondsToClose == 0.2)
        // One may be under way when the run ends, and one of those after it gets all the time that is left.
        #expect((1...3).contains(sender.texts.count), "\(sender.texts)")
        #expect(failures.all.count == 50)
        #expect(
            failures.all.last == #"notifications[0]: somebody was not told of "failed": the run was over"#)
    }

    /// Half of the limit is kept for the news of the end.
    @Test func whatHangsLeavesTimeForTheEnd() throws {
        let sender = Rehearsed([.failed("too long", mayBeTriedAgain: false)], mostTries: 1, seconds: 1000)
        let queue = queue(sender, timeout: 0.3)
        queue.add(message("begun"))
        try waitUntil("it is being sent") { sender.texts == ["begun"] }
        queue.add(message("finished"), isUrgent: true)
        queue.close()
        try waitUntil("over") { queue.isIdle }
        #expect(sender.texts == ["begun", "finished"])
    }

    @Test func theLastMessageGoesFirst() throws {
        let sender = Rehearsed([.sent], seconds: 0.3)
        let queue = queue(sender, timeout: 100)
        queue.add(message("a"))
        try waitUntil("the first") { sender.texts == ["a"] }
        queue.add(message("b"))
        queue.add(message("last"), isUrgent: true)
        queue.close()
        try waitUntil("all sent") { queue.isIdle }
        #expect(sender.texts == ["a", "last", "b"])
    }

    /// One whose run another supervisor has.
    @Test func whoHasLostTheRunSendsNothing() throws {
        let sender = Rehearsed([.sent])
        let queue = queue(sender, maySend: { false })
        queue.add(message("a"))
        try waitUntil("dropped") { queue.isIdle }
        #expect(sender.texts.isEmpty)
        #expect(failures.all.isEmpty)
    }
}
