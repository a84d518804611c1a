import MIOConfig
import MIOScale
import Testing

@Suite struct StepModelTests {
    /// 1000 trained numbers: 4000 bytes of gradient; an update moves 4000 · (3 + 2 · 2) = 28,000 bytes, 28 µs alone.
    private let constants = ScaleConstants(
        machine: MachineConstants(
            coreBandwidth: 1e9, nodeBandwidth: 2e9, cacheTransferBandwidth: 4e9, hopSeconds: 1e-6,
            contention: 1.5, contendedRanks: 2, cores: 64),
        step: StepCosts(
            fixedSeconds: 100e-6, sampleSeconds: 10e-6, parameters: 1000, slots: 2, passSamples: 4, buckets: 2
        ))

    private func model(
        _ scaling: Scaling = .strong, batch: Int = 8, ranksPerNode: Int = 2, bandwidth: Double = 1e9,
        latency: Double = 20e-6, bytesPerNumber: Int = 4
    ) -> StepModel {
        StepModel(
            constants: constants,
            layout: ClusterLayout(
                ranksPerNode: ranksPerNode, bandwidth: bandwidth, latency: latency,
                bytesPerNumber: bytesPerNumber),
            batchSize: batch, scaling: scaling)
    }

    /// A few dozen roundings of numbers of one size.
    private func expect(
        _ value: Double, _ expected: Double, _ sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            abs(value - expected) <= 32 * Double.ulpOfOne * max(abs(expected), 1e-3),
            "\(value), expected \(expected)", sourceLocation: sourceLocation)
    }

    @Test func oneRankTakesWhatWasMeasured() {
        let row = model().predict(ranks: 1)
        expect(row.seconds, 100e-6 + 8 * 10e-6)
        expect(row.update, 28e-6)
        #expect(row.reduce == 0 && row.transfer == 0 && row.latency == 0 && row.control == 0)
        #expect(row.binds == "compute")
    }

    @Test func twoRanksOfAMachineByHand() {
        let row = model().predict(ranks: 2)
        #expect((row.machines, row.largestPart) == (1, 4))
        // (100 − 28 + 4 · 10) µs, half as long again
        expect(row.compute, 168e-6)
        // 4000 · 3 bytes at 2 GB/s, 4000 · 2 from the other's cache at 4 GB/s, three barriers of one hop
        expect(row.reduce, 11e-6)
        expect(row.update, 14e-6)
        #expect(row.transfer == 0 && row.latency == 0)
        expect(row.control, 1e-6)
    }

    /// Three sums of 100 numbers in all: three meetings more, and 800 bytes to the other machine.
    @Test func sumsOverTheBatchByHand() {
        var waiting = model()
        waiting.constants.step.batchSums = 3
        waiting.constants.step.batchSumNumbers = 100
        expect(waiting.predict(ranks: 1).control, 0)
        expect(waiting.predict(ranks: 2).control, 4e-6)
        expect(waiting.predict(ranks: 4).control, 4 * (1e-6 + 20e-6) + 0.8e-6)
    }

    @Test func fourRanksOfTwoMachinesByHand() {
        let row = model().predict(ranks: 4)
        #expect((row.machines, row.largestPart) == (2, 2))
        // 2 · ½ · 4000 bytes at 1 GB/s and 2 · 20 µs: 44 µs, of which backward, ⅔ · 138 µs, hides the first half.
        expect(row.compute, 138e-6)
        expect(row.transfer + row.latency, 22e-6)
        expect(row.transfer, 2e-6)
        expect(row.control, 21e-6)
        // bfloat16 halves the bytes, not the waiting.
        let half = model(bytesPerNumber: 2).predict(ranks: 4)
        expect(half.transfer, 1e-6)
        expect(half.latency, 20e-6)
    }

    @Test func aSlowNetworkShowsWhatBackwardDoesNotHide() {
        let row = model(bandwidth: 1e6).predict(ranks: 4)
        // 4 ms + 40 µs of network, 46 µs hidden: half of ⅔ · 138 µs.
        expect(row.transfer + row.latency, 4.04e-3 - 46e-6)
        #expect(row.binds == "bandwidth")
        // Of 16 samples a rank in 4 passes only the last one's backward hides anything: ⅔ · (72 + 160) · 1.5 / 4.
        let passes = model(batch: 64, bandwidth: 1e6).predict(ranks: 4)
        expect(passes.transfer + passes.latency, 4.04e-3 - 29e-6)
        #expect(model(latency: 1).predict(ranks: 4).binds == "latency")
    }

    @Test func theBatchEndsStrongScalingOnly() {
        #expect(model().predict(ranks: 16).largestPart == 1)
        #expect(model().predict(ranks: 16).globalBatch == 8)
        let weak = model(.weak).predict(ranks: 16)
        #expect((weak.largestPart, weak.globalBatch) == (8, 128))
    }

    @Test func betterMachinesAreNeverSlower() {
        for ranks in [1, 2, 3, 4, 7, 64, 4096] {
            let seconds = model().predict(ranks: ranks).seconds
            #expect(model(bandwidth: 2e9).predict(ranks: ranks).seconds <= seconds)
            #expect(model(latency: 10e-6).predict(ranks: ranks).seconds <= seconds)
            #expect(model(bytesPerNumber: 2).predict(ranks: ranks).seconds <= seconds)
            #expect(model(batch: 4).predict(ranks: ranks).seconds <= seconds)
        }
        var last = 0.0
        for ranks in 1...64 {
            let row = model(.weak).predict(ranks: ranks)
            #expect(row.seconds >= last * (1 - 32 * .ulpOfOne), "\(ranks) ranks")
            last = row.machines == 1 ? row.seconds : last
        }
    }

    @Test func slowdownIsALineThroughOne() {
        let machine = constants.machine
        #expect([1, 2, 3].map { machine.slowdown(ranks: $0) } == [1, 1.5, 2])
    }

    @Test func moreRanksThanCoresTakeTurns() {
        var few = model(ranksPerNode: 8)
        few.constants.machine.cores = 2
        // Two at once are 1.5 times as slow as one; the third and fourth come after them.
        #expect([1, 2, 3, 4].map { few.constants.machine.slowdown(ranks: $0) } == [1, 1.5, 2.25, 3])
        // (100 − 28 + 2 · 10) µs, three times as long
        expect(few.predict(ranks: 4).compute, 276e-6)
        few.batchSize = 640
        #expect(
            ScaleReport(few, most: 8).conclusion.hasSuffix(
                "because a machine has 2 cores, on which its ranks take turns."))
        few.constants.machine.contendedRanks = 1
        #expect([1, 2, 3].map { few.constants.machine.slowdown(ranks: $0) } == [1, 1, 1.5])
    }

    @Test func theLineThroughMeasuredSteps() {
        let exact = StepCosts.line([(1, 110e-6), (4, 140e-6), (8, 180e-6)])
        expect(exact.fixed, 100e-6)
        expect(exact.sample, 10e-6)
        // Nothing is below zero: steps that get faster, or more than in proportion slower.
        #expect(StepCosts.line([(1, 2), (2, 1)]).sample == 0)
        #expect(StepCosts.line([(1, 1), (2, 4)]).fixed == 0)
    }

    @Test func theReportSaysHowManyAreUseful() {
        let report = ScaleReport(model(.strong, ranksPerNode: 1, latency: 1e-3), most: 5)
        #expect(report.rows.map(\.ranks) == [1, 2, 4])
        #expect(report.largestUseful.ranks == 1)
        #expect(report.conclusion.contains("because of latency"))
        #expect(report.efficiency(report.rows[0]) == 1)
        #expect(report.table.split(separator: "\n").count == 4)
        let weak = ScaleReport(model(.weak, ranksPerNode: 1, latency: 1e-9), most: 64)
        #expect(weak.largestUseful.ranks == 64)
        #expect(weak.conclusion.hasSuffix("more were not looked at."))
        let few = ScaleReport(model(batch: 1, ranksPerNode: 1, latency: 1e-9), most: 2)
        #expect(few.conclusion.contains("no batch has more than 1 sample"))
    }

    @Test func aLargerPassIsAdvisedWhereItHidesTheNetwork() {
        // 16 samples a rank, 4 at a time: of 240 µs of network, backward, ⅔ · 348 µs, hides an eighth; at once, half.
        let report = ScaleReport(model(batch: 64, bandwidth: 2e7), most: 64)
        #expect(
            report.advice?.hasPrefix(
                "With training.micro_batch: 16 a step of 4 ranks would take 518 µs instead of 605 µs")
                == true,
            "\(report.advice ?? "none")")
        // Of 4 ms that is too little to be told.
        #expect(ScaleReport(model(batch: 64, bandwidth: 1e6), most: 64).advice == nil)
        // No part is larger than a pass; no network.
        #expect(ScaleReport(model(batch: 8, bandwidth: 2e7), most: 64).advice == nil)
        #expect(ScaleReport(model(batch: 64, ranksPerNode: 64, bandwidth: 2e7), most: 64).advice == nil)
    }

    @Test func constantsReadBackAsTheyWere() throws {
        #expect(try ScaleConstants(constants.config, path: "node.json") == constants)
        let error = #expect(throws: ConfigError.self) {
            try ScaleConstants(.dictionary(["machine": .dictionary([:])]), path: "f")
        }
        #expect(error?.description.contains("core_bandwidth_bytes_per_second") == true)
    }

    @Test func quantitiesHaveUnits() {
        #expect(Quantity.bandwidth("10Gbit/s") == 1.25e9)
        #expect(Quantity.bandwidth("1.25 GB/s") == 1.25e9)
        #expect(Quantity.duration("20us") == Quantity.duration("20 µs"))
        for text in ["", "10", "Gbit/s", "-1Gbit/s", "0us", "1.2.3s", "10 parsecs"] {
            #expect(Quantity.bandwidth(text) == nil)
            #expect(Quantity.duration(text) == nil)
        }
    }
}
