import MIORunFolder
import MIOSupervision
import Testing

@Suite struct StragglerWatchTests {
    /// Ranks that take so long for each step, of equal or other parts of the batch.
    private struct World {
        var watch = StragglerWatch(windowSeconds: 30, windowSteps: 20)
        var seconds: [Double]
        var samples: [Int]
        var timed: [ProgressBoard.Entry.Timed]
        var steps = 0
        var now = 0.0

        init(_ seconds: [Double], samples: [Int]? = nil) {
            self.seconds = seconds
            self.samples = samples ?? seconds.map { _ in 8 }
            timed = seconds.map { _ in .init() }
        }

        var sights: [RankSight] {
            seconds.indices.map { rank in
                var entry = ProgressBoard.Entry(
                    process: 100 + rank, processBegan: 1, changes: UInt64(steps), phase: .computing,
                    stepsDone: steps, epoch: 0, firstSample: 0, samples: samples[rank], exitCode: 0)
                entry.timed = timed[rank]
                return RankSight(rank: rank, entry: entry, processState: "R", stillSeconds: 0)
            }
        }

        /// Takes steps, with a look after each; the slowest rank sets the pace.
        mutating func run(_ count: Int, waiting: Double = 0) -> [StragglerWatch.Finding] {
            var found: [StragglerWatch.Finding] = []
            for _ in 0..<count {
                for rank in seconds.indices {
                    timed[rank].steps += 1
                    timed[rank].samples += samples[rank]
                    timed[rank].computeSeconds += seconds[rank]
                }
                steps += 1
                now += (seconds.max() ?? 0) + waiting
                if let finding = watch.look(sights, host: "node7", now: now) { found.append(finding) }
            }
            return found
        }
    }

    @Test func aRankThatIsSlowerAgainAndAgainIsToldOnce() throws {
        var world = World([1, 1.1, 1, 1.8])
        // One window is not enough.
        #expect(world.run(30).isEmpty)
        let found = world.run(300)
        #expect(found.count == 1)
        let finding = try #require(found.first)
        #expect(finding.rank == 3)
        #expect(finding.isSlow)
        #expect(finding.step == 41)
        #expect(
            finding.text
                == "rank 3 (node7) takes 1.8 times as long to compute as the others over the last 40 steps; they wait for it "
                + "in 44 % of the time")
        // A little faster is not as fast as the others.
        world.seconds[3] = 1.35
        #expect(world.run(200).isEmpty)
        world.seconds[3] = 1.1
        let end = world.run(200)
        #expect(end.map(\.isSlow) == [false])
        #expect(end[0].text == "rank 3 (node7) takes no longer to compute than the others any more")
        world.seconds[0] = 2
        #expect(world.run(200).map(\.rank) == [0])
    }

    @Test func oneSlowWindowIsNone() {
        var world = World([1, 1])
        _ = world.run(31)
        world.seconds[1] = 5
        #expect(world.run(20).isEmpty)
        world.seconds[1] = 1
        #expect(world.run(200).isEmpty)
    }

    @Test func whatIsSmallOrExpectedIsNone() {
        // Twice the samples may take twice as long.
        var uneven = World([2, 1], samples: [16, 8])
        #expect(uneven.run(400).isEmpty)
        // A step that is spent elsewhere: with data, for one.
        var small = World([0.05, 0.1])
        #expect(small.run(400, waiting: 0.9).isEmpty)
        var alone = World([1])
        #expect(alone.run(400).isEmpty)
        // Too few timed steps to judge by.
        var slow = World([100, 200])
        #expect(slow.run(20).isEmpty)
        #expect(slow.run(40).map(\.rank) == [1])
    }

    @Test func aRunThatGoesBackBeginsAnew() {
        var world = World([1, 2])
        #expect(world.run(39).count == 0)
        world.steps = 5
        #expect(world.run(35).isEmpty)
        #expect(world.run(10).map(\.rank) == [1])
    }
}
