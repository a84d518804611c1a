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

    /// Of ranks on other machines the one that says nothing, when the run stands still; if all are silent, nobody knows.
    @Test func aSilentRankIsNamed() throws {
        let watch = HangWatch(limits: HangLimits(fixedSeconds: 40))
        func elsewhere(_ rank: Int, _ phase: ProgressBoard.Phase, silent: Double) -> RankSight {
            var sight = sight(rank, phase, still: 41)
            sight.host = "node-\(rank)"
            sight.silentSeconds = silent
            return sight
        }
        let ranks = [
            elsewhere(0, .waitingForRanks, silent: 0.2), elsewhere(1, .waitingForRanks, silent: 42),
            elsewhere(2, .computing, silent: 0.2),
        ]
        let finding = try #require(watch.finding(ranks))
        #expect(finding.culprit.rank == 1)
        #expect(finding.culprit.host == "node-1")
        #expect(
            finding.text
                == "rank 1 on node-1 has not been heard for 42 s: its process is stopped, or its machine cannot be reached; "
                + "it was at step 813, waiting for the other ranks, with samples 16 to 23 of the batch; 1 rank waits for it"
        )
        #expect(watch.finding(ranks.map { elsewhere($0.rank, .computing, silent: 50) }) == nil)
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
                == "rank 2 is 41 s late at step 813, waiting for data, with samples 16 to 23 of the batch; 3 ranks wait for it"
        )
        #expect(finding.bucket == nil)
    }

    /// A run of two outputs with a trunk, and files of two data sets.
    private func names() -> RunNames {
        var ledger = RunLedger(id: "1", name: "a", mioVersion: "1", command: [], workingDirectory: "/")
        ledger.data = ["train", "train", "validation"].enumerated().map {
            RunLedger.DataFile(source: $1, path: "data/\($1)-\($0).npz", size: 1)
        }
        ledger.attempts = [
            RunLedger.Attempt(number: 1, ranks: 4, launch: []),
            RunLedger.Attempt(number: 2, ranks: 4, launch: []),
        ]
        ledger.attempts[1].buckets = [
            RunLedger.Bucket(outputs: ["kind"], layers: ["kind"]),
            RunLedger.Bucket(outputs: ["box"], layers: ["box", "box_hidden"]),
            RunLedger.Bucket(
                outputs: ["kind", "box"], layers: ["conv5", "conv4", "conv3", "conv2", "conv1"]),
        ]
        return RunNames(ledger, attempt: 2)
    }

    @Test func theFileAndTheBucketAreNamed() throws {
        var watch = HangWatch(limits: HangLimits(fixedSeconds: 40))
        watch.names = names()
        func text(buckets: Int, shard: Int?, _ phase: ProgressBoard.Phase = .waitingForData) throws -> String
        {
            var late = entry(phase)
            (late.buckets, late.shard) = (buckets, shard)
            let ranks =
                [0, 1, 3].map { sight($0, .waitingForRanks, still: 41) }
                + [RankSight(rank: 2, entry: late, processState: "S", stillSeconds: 41)]
            let finding = try #require(watch.finding(ranks))
            #expect(finding.culprit.rank == 2)
            return finding.text
        }
        let samples = "with samples 16 to 23 of the batch"
        #expect(
            try text(buckets: 1, shard: 1)
                == "rank 2 is 41 s late at step 813, reading shard 2, data/train-1.npz, \(samples); 3 ranks wait for bucket 2, "
                + "head `box`")
        #expect(
            try text(buckets: 2, shard: nil, .computing)
                == "rank 2 is 41 s late at step 813, computing, \(samples); 3 ranks wait for bucket 3, layers `conv5`, "
                + "`conv4`, `conv3`, `conv2` and 1 more")
        // All are complete: it reads the batch after this one.
        #expect(try text(buckets: 3, shard: 0).hasSuffix("3 ranks wait for it"))
        #expect(try text(buckets: 3, shard: 0).contains("reading shard 1, data/train-0.npz, "))
        // A file that is read ahead keeps nobody.
        #expect(try text(buckets: 0, shard: 1, .computing).contains("late at step 813, computing, "))
        #expect(watch.names.bucket(3) == nil)
        #expect(RunNames().bucket(0) == nil)
        var validating = entry(.validating)
        validating.shard = 2
        #expect(
            watch.names.shard(of: RankSight(rank: 0, entry: validating, processState: "S", stillSeconds: 1))
                == "shard 1, data/validation-2.npz")
    }

    /// A model of one output has no heads.
    @Test func bucketsOfOneOutputAreNamedByTheirLayers() {
        var ledger = RunLedger(id: "1", name: "a", mioVersion: "1", command: [], workingDirectory: "/")
        ledger.attempts = [RunLedger.Attempt(number: 1, ranks: 1, launch: [])]
        ledger.attempts[0].buckets = [
            RunLedger.Bucket(outputs: ["answer"], layers: ["answer"]),
            RunLedger.Bucket(outputs: ["answer"], layers: ["conv2", "conv1"]),
        ]
        let names = RunNames(ledger, attempt: 1)
        #expect(names.bucket(0) == "bucket 1, layer `answer`")
        #expect(names.bucket(1) == "bucket 2, layers `conv2`, `conv1`")
    }

    /// Ranks that wait for sums over the batch in the midst of computing (batch normalization) wait for one that does not.
    @Test func aRankThatWaitsInsideOfItsComputingIsNotTheOne() throws {
        let watch = HangWatch(limits: HangLimits(fixedSeconds: 40))
        var inside = entry(.computing)
        inside.isWaitingInside = true
        let ranks = [
            RankSight(rank: 0, entry: inside, processState: "S", stillSeconds: 50),
            sight(1, .computing, still: 41),
        ]
        let finding = try #require(watch.finding(ranks))
        #expect(finding.culprit.rank == 1)
        #expect(finding.text.hasSuffix("; 1 rank waits for it"))
    }

    /// A bucket that is complete is a sign of life.
    @Test func aCompletedBucketIsAChange() {
        var watch = HangWatch()
        #expect(watch.look(0, entry(.computing), now: 0) == 0)
        var next = entry(.computing)
        next.buckets = 1
        #expect(watch.look(0, next, now: 5) == 0)
        #expect(watch.look(0, next, now: 8) == 3)
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
        #expect(!sight(0, .ended, still: 0, state: nil).hasDied)
        #expect(!sight(0, .computing, still: 0, state: "D").hasDied)
        #expect(watch.finding([]) == nil)
    }
}
