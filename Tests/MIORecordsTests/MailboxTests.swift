import Foundation
import MIORecords
import Testing

@Suite struct MailboxTests {
    private func post(_ mailbox: Mailbox, _ step: Int, _ values: [Double]) -> Int {
        values.withUnsafeBufferPointer { mailbox.post(kind: 3, step: step, epoch: 1, values: $0) }
    }

    @Test func lettersArriveInOrder() {
        let mailbox = Mailbox(capacity: 4, valuesPerEntry: 2)
        #expect(post(mailbox, 1, [0.5, -1]) == 1)
        #expect(mailbox.post(RunEvent(event: "stopped", step: 2, epoch: 0, values: [])) == 2)
        #expect(mailbox.postFlush() == 3)
        #expect(post(mailbox, 4, []) == 4)
        mailbox.close()
        var seen: [String] = []
        while let letter = mailbox.receive() {
            switch letter.content {
            case .numbers(let kind, let step, let epoch, let values):
                seen.append("\(letter.sequence) \(kind) \(step) \(epoch) \(values)")
            case .event(let event): seen.append("\(letter.sequence) \(event.event)")
            case .flush: seen.append("\(letter.sequence) flush")
            }
        }
        #expect(seen == ["1 3 1 1 [0.5, -1.0]", "2 stopped", "3 flush", "4 3 4 1 []"])
        #expect(mailbox.producerWaits == 0)
    }

    /// Numbers wake nobody; they are looked for ten times a second, and the news that there are none is told first.
    @Test func numbersArriveWithoutACall() throws {
        let mailbox = Mailbox(capacity: 100, valuesPerEntry: 1)
        let producer = Thread {
            usleep(20_000)
            _ = self.post(mailbox, 7, [1])
        }
        var waits = 0
        producer.start()
        let letter = try #require(mailbox.receive(beforeWaiting: { waits += 1 }))
        #expect(letter.sequence == 1)
        #expect(waits <= 1)
        mailbox.close()
        #expect(mailbox.receive() == nil)
    }

    @Test func aFullMailboxMakesTheProducerWaitAndLosesNothing() {
        let mailbox = Mailbox(capacity: 3, valuesPerEntry: 1)
        let count = 1000
        for step in 0..<3 { _ = post(mailbox, step, [Double(step)]) }
        let producer = Thread {
            for step in 3..<count {
                _ = [Double(step)].withUnsafeBufferPointer {
                    mailbox.post(kind: 0, step: step, epoch: 0, values: $0)
                }
            }
            mailbox.close()
        }
        producer.start()
        while mailbox.producerWaits == 0 { usleep(100) }
        var steps: [Int] = []
        while let letter = mailbox.receive() {
            if case .numbers(_, let step, _, let values) = letter.content {
                #expect(values == [Double(step)])
                steps.append(step)
            }
        }
        #expect(steps == Array(0..<count))
        #expect(mailbox.producerWaits >= 1)
    }
}
