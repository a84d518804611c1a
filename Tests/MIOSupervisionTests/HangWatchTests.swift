import MIORunFolder
import MIOSupervision
import Testing

@Suite struct HangWatchTests {
    private func entry(
        _ phase: ProgressBoard.Phase, steps: Int = 812, changes: UInt64 = 1
    ) -> ProgressBoard.Entry {
        ProgressBoard.Entry(
            process: 100, processBegan: 1, changes: changes, phase: phase, stepsDone: steps, epoch: 2,
            firstSample: 16, samples: 8, exitCode: 0)
    }

    private func sight(
        _ rank: Int, _ phase: ProgressBoard.Phase, still: Double, state: Character? = "S", steps: Int = 812
    ) -> RankSight {
        RankSight(rank: rank, entry: entry(phase, steps: steps), processState: state, stillSeconds: still)
    }

    @Test func limitsAreLearnedByPhase() {
        var limits = HangLimits()
        // Before anything was seen.
        #expect(limits.limit(.computing) == 600)
        limits.saw(.computing, seconds: 0.01)
        #expect(limits.limit(.computing) == 30)
        limits.saw(.computing, seconds: 7)
        #expect(limits.limit(.computing) == 70)
        limits.saw(.computing, seconds: 1)
        #expect(limits.limit(.computing) == 70)
        #expect(limits.limit(.validating) == 900)
        limits.saw(.validating, seconds: 12)
        #expect(limits.limit(.validating) == 120)
        limits.saw(.starting, seconds: 3)
        #expect(limits.limit(.starting) == 1800)
        #expect(HangLimits(fixedSeconds: 5).limit(.starting) == 5)
    }

    @Test func aLookTellsHowLongARankStandsStill() {
        var watch = HangWatch()
        #expect(watch.look(0, entry(.computing), now: 10) == 0)
        #expect(watch.look(0, entry(.computing), now: 14) == 4)
        #expect(watch.look(0, entry(.computing, changes: 2), now: 15) == 0)
        #expect(watch.limits.limit(.computing) == 50)
        #expect(watch.look(0, entry(.waitingForData, changes: 2), now: 16) == 0)
    }

    @Test func theRankThatTheOthersWaitForIsNamed() throws {
        let watch = HangWatch(limits: HangLimits(fixedSeconds: 40))
        let ranks = [
            sight(0, .waitingForRanks, still: 41), sight(1, .waitingForRanks, still: 42),
            sight(2, .waitingForData, still: 41), sight(3, .waitingForRanks, still: 41),
        ]
        let finding = try #require(watch.finding(ranks))
        #expect(finding.culprit.rank == 2)
        #expect(finding.waiting == [0, 1, 3])
        #expect(
            finding.text
                == "rank 2 stands still for 41 s at step 813, waiting for data, with samples 16 to 23 of the batch; 3 ranks "
                + "wait for it")
    }

    @Test func oneRankThatGoesOnIsNoHang() {
        let watch = HangWatch(limits: HangLimits(fixedSeconds: 40))
        #expect(
            watch.finding([sight(0, .waitingForRanks, still: 500), sight(1, .computing, still: 39)]) == nil)
        #expect(
            watch.finding([sight(0, .waitingForRanks, still: 30), sight(1, .computing, still: 30)]) == nil)
        #expect(
            watch.finding(
                [sight(0, .waitingForRanks, still: 30), sight(1, .computing, still: 30)], part: 0.5) != nil)
    }

    @Test func aStoppedProcessIsFoundBeforeItsLimit() throws {
        let watch = HangWatch()
        let ranks = [sight(0, .waitingForRanks, still: 11), sight(1, .computing, still: 11, state: "T")]
        let finding = try #require(watch.finding(ranks))
        #expect(finding.culprit.rank == 1)
        #expect(finding.text.hasPrefix("rank 1 has been stopped (SIGSTOP) for 11 s at step 813"))
        #expect(watch.finding([ranks[0], sight(1, .computing, still: 9, state: "T")]) == nil)
    }

    @Test func theRankThatIsBehindIsTheOne() throws {
        let watch = HangWatch(limits: HangLimits(fixedSeconds: 1))
        let finding = try #require(
            watch.finding([
                sight(0, .computing, still: 2, steps: 9), sight(1, .computing, still: 2, steps: 8),
            ]))
        #expect(finding.culprit.rank == 1)
    }

    @Test func deadAndEndedRanksDoNotHang() {
        let watch = HangWatch(limits: HangLimits(fixedSeconds: 1))
        #expect(
            watch.finding([sight(0, .computing, still: 9, state: nil), sight(1, .ended, still: 9)]) == nil)
        #expect(sight(0, .computing, still: 0, state: nil).hasDied)
        #expect(sight(0, .computing, still: 0, state: "Z").hasDied)
        #expect(!sight(0, .ended, still: 0, state: nil).hasDied)
        #expect(!sight(0, .computing, still: 0, state: "D").hasDied)
        #expect(watch.finding([]) == nil)
    }
}
