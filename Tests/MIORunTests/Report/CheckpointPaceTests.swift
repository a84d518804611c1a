import MIOJob
import MIORun
import MIORunFolder
import Testing

@Suite struct CheckpointPaceTests {
    private func automatic(_ failures: FailureHistory = FailureHistory(), costs: Double...) throws
        -> CheckpointPace
    {
        var pace = try #require(CheckpointPace(.automatic, failures))
        for cost in costs { pace.add(cost: cost) }
        return pace
    }

    @Test func aTimeIsATime() throws {
        var pace = try #require(CheckpointPace(.seconds(600), FailureHistory(count: 9, seconds: 9)))
        pace.add(cost: 50)
        #expect(pace.seconds(uptime: 0) == 600)
        #expect(CheckpointPace(nil, FailureHistory()) == nil)
    }

    /// √(2 · cost · mean time between failures).
    @Test func theIntervalIsYoungsAndDalys() throws {
        // Four hours before any failure, and a second before any checkpoint.
        #expect(try automatic().seconds(uptime: 0) == (2.0 * 1 * 14400).squareRoot())
        #expect(try automatic(costs: 2).seconds(uptime: 0) == 240)
        // As long as the run has gone without a failure, if that is longer.
        #expect(try automatic(costs: 2).seconds(uptime: 90_000) == 600)
        // Two failures in 500 seconds, and 300 without one since.
        let failures = FailureHistory(count: 2, seconds: 500)
        #expect(failures.meanSecondsBetween(uptime: 300) == 400)
        #expect(try automatic(failures, costs: 2).seconds(uptime: 300) == 40)
        // The mean of 4 and 2 is 3, that of 3 and 5 is 4.
        #expect(try automatic(costs: 4, 2, 5).cost == 4)
    }

    @Test func theIntervalIsBounded() throws {
        #expect(try automatic(costs: 1000).seconds(uptime: 0) == 3600)
        let failing = FailureHistory(count: 100, seconds: 100)
        #expect(try automatic(failing, costs: 0.001).seconds(uptime: 0) == 1)
        // √(2 · 8 · 1) is 4: half of the time at most goes to checkpoints.
        #expect(try automatic(failing, costs: 8).seconds(uptime: 0) == 8)
    }

    @Test func failuresAreThoseThatLoseSteps() throws {
        var ledger = RunLedger(id: "1", name: "a", mioVersion: "0", command: [], workingDirectory: "/")
        func add(_ began: Double, _ ended: Double?, _ end: RunEnd?) {
            var attempt = RunLedger.Attempt(
                number: ledger.attempts.count + 1, began: Timestamp(seconds: began), ranks: 1, launch: [])
            attempt.ended = ended.map(Timestamp.init(seconds:))
            attempt.end = end
            ledger.attempts.append(attempt)
        }
        add(0, 100, RunEnd(.crashed, text: "", signal: 9))
        add(200, 250, RunEnd(.preemption, text: "", exitCode: 75))
        add(300, 330, RunEnd(.hang, text: ""))
        // Its supervisor was gone, and it wrote a checkpoint.
        add(400, 410, RunEnd(.unknown, text: "", exitCode: 75))
        // Nobody was left to write the end.
        add(500, 510, nil)
        add(600, nil, nil)
        add(700, 705, RunEnd(.diverged, text: "", exitCode: 76))
        add(800, nil, nil)
        let history = FailureHistory(ledger, before: 8)
        #expect(history.count == 4)
        #expect(history.seconds == 205)
        #expect(FailureHistory(ledger, before: 1) == FailureHistory())
    }
}
