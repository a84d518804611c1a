import MIOBenchmark
import MIOComm
import MIOConfig
import Testing

@Suite struct ReductionBenchmarkTests {
    /// Every sum is checked within: a rank that gets a wrong one throws.
    @Test(arguments: [1, 2, 3]) func timesEveryWay(worldSize: Int) throws {
        let measurements = try InProcessCommunicator.run(worldSize: worldSize) { communicator in
            let measurement = try ReductionBenchmark(counts: [1, 1000], repetitions: 2).run(communicator)
            try communicator.finalize()
            return measurement
        }
        #expect(measurements.count == worldSize)
        for measurement in measurements {
            #expect(measurement.transport == "in-process" && measurement.ranks == worldSize)
            #expect(measurement.sizes.map(\.bytes) == [4, 4000])
            for size in measurement.sizes {
                #expect(size.transportSeconds > 0 && size.sliceSeconds > 0 && size.gradientSeconds ?? 0 > 0)
            }
        }
    }

    /// A reduction that gives back what it was given is found out, on all ranks.
    @Test func theSumIsThatOfAllRanks() throws {
        for isOurs in [true, false] {
            let sums = try InProcessCommunicator.run(worldSize: 3) { communicator in
                let timed =
                    isOurs
                    ? try TimedReduction.gradients(communicator, count: 5, leaves: .everywhere)
                    : .transport(communicator, count: 5)
                timed.slab.fill(Float(communicator.rank))
                try timed.sum()
                try communicator.finalize()
                return Array(timed.slab.buffer)
            }
            #expect(sums == Array(repeating: [3, 3, 3, 3, 3], count: 3))
        }
    }

    @Test func runsUnderMPI() throws {
        let run = try ProgramRun(
            "mio-bench", ["allreduce", "--megabytes", "1,2", "--repetitions", "3"], ranks: 2)
        var result = try run.json()
        #expect(try result.string("transport") == "MPI")
        #expect(try result.integer("ranks") == 2)
        #expect(try result.integer("ranks_on_node") == 2)
        #expect(try result.integer("repetitions") == 3)
        #expect(run.outcome.output.contains("\"mio_milliseconds\""))
        #expect(run.outcome.output.contains("\"mio_slices_milliseconds\""))
    }

    /// As if on several machines; every sum is checked, of one piece and of several.
    @Test(arguments: [(2, 1), (3, 1), (4, 2), (4, 1)])
    func sumsBetweenMachines(ranks: Int, ofEach: Int) throws {
        let run = try ProgramRun(
            "mio-bench", ["allreduce", "--megabytes", "1,2", "--repetitions", "2"], ranks: ranks,
            environment: ["MIO_RANKS_PER_GROUP": "\(ofEach)"])
        var result = try run.json()
        #expect(try result.integer("ranks") == ranks)
        // No rank of several machines has all the sums.
        #expect(!run.outcome.output.contains("\"mio_milliseconds\""))
        #expect(run.outcome.output.contains("\"mio_slices_milliseconds\""))
    }

    @Test(arguments: [
        (["--megabytes", "1,x"], "--megabytes 1,x: expected numbers with commas between, as 1,2"),
        (["--megabytes", "0"], "--megabytes 0: expected numbers with commas between, as 1,2"),
        (["--repetitions", "0"], "--repetitions 0: at least 1 is needed"),
    ])
    func refusesNumbersItCannotUse(arguments: [String], message: String) throws {
        let run = try ProgramRun("mio-bench", ["allreduce"] + arguments)
        #expect(run.outcome.status == 64)
        #expect(run.outcome.errors.contains(message))
    }
}
