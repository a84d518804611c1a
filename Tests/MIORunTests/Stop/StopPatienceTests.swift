import MIORun
import Testing

@Suite struct StopPatienceTests {
    private func patience(
        _ phase: StopPatience.Phase, rank: Int? = nil, recentStep: Double = 0
    ) -> StopPatience {
        StopPatience(phase: phase, rank: rank, recentStepSeconds: recentStep)
    }

    @Test func aStartIsNotWaitedFor() {
        #expect(patience(.starting, recentStep: 1000).seconds == 1)
    }

    @Test func aStepMayTakeFourTimesAsLongAsThoseBefore() {
        #expect(patience(.stepping).seconds == 20)
        #expect(patience(.stepping, recentStep: 5).seconds == 20)
        #expect(patience(.stepping, recentStep: 90).seconds == 360)
    }

    @Test func writingTakesAsLongAsADiskNeeds() {
        #expect(patience(.writing, recentStep: 0.001).seconds == 300)
    }

    /// One message, not one a rank.
    @Test func ranksSpeakInTurn() {
        #expect((0...7).map { patience(.stepping, rank: $0).seconds } == [20, 23, 26, 29, 29, 29, 29, 29])
        #expect(patience(.stepping, rank: 7).limit == 20)
    }

    @Test func oneLongStepIsForgotten() {
        var recent = 0.0
        for next in [0.1, 3600, 0.1] { recent = RecentSteps.longest(before: recent, next: next) }
        #expect(recent == 3240)
        for _ in 0..<200 { recent = RecentSteps.longest(before: recent, next: 0.1) }
        #expect(recent == 0.1)
        for next in [2, 1.9] { recent = RecentSteps.longest(before: recent, next: next) }
        #expect(recent == 1.9)
    }

    private let rest =
        ". Ended without a checkpoint of the last steps; run again to continue from the newest checkpoint\n"

    private func text(_ patience: StopPatience, _ activity: StopSignal.Activity) -> String {
        let text = SignalText()
        text.describe(patience, activity, stepsDone: 1099)
        return text.text
    }

    @Test func aProcessSaysWhereItWaited() {
        #expect(
            text(patience(.stepping, rank: 10, recentStep: 5.2), .waitingForRanks)
                == "mio: rank 10: step 1100 did not go on within 21 s after the request to stop: it waited for the "
                + "other ranks; see whether one of them stands still" + rest)
        #expect(
            text(patience(.stepping), .waitingForData)
                == "mio: step 1100 did not go on within 20 s after the request to stop: it waited for data; see "
                + "whether the data's file system answers" + rest)
        #expect(
            text(patience(.stepping), .computing)
                == "mio: step 1100 did not go on within 20 s after the request to stop: it was computing"
                + rest)
        #expect(
            text(patience(.stepping, rank: 0), .validating)
                == "mio: rank 0: the validation after step 1099 did not go on within 20 s after the request to stop: "
                + "it waited for the other ranks; see whether one of them stands still" + rest)
        #expect(
            text(patience(.writing, rank: 0), .computing)
                == "mio: rank 0: what was to be written to the run directory was not there 300 s after the request "
                + "to stop; see whether its file system answers" + rest)
    }

    @Test func numbersAndLongTextsFit() {
        let text = SignalText()
        for number in [0, 9, 10, 1_000_000, Int.max] {
            text.add(number)
            text.add(" ")
        }
        #expect(text.text == "0 9 10 1000000 9223372036854775807 ")
        for _ in 0..<200 { text.add("ten bytes.") }
        text.add(123)
        #expect(text.text.utf8.count == 1024)
    }
}
