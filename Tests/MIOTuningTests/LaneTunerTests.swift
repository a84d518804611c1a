import MIOCheck
import MIOComm
import MIOJob
import MIOKernels
import MIOMachine
import MIORun
import MIOTuning
import SmallJobs
import TestFolders
import Testing

/// How a rank's threads share the work is measured once, remembered, and the same on all ranks. Nothing here reads a clock
/// but the last two tests, which do not ask how long anything took.
@Suite(.serialized) struct LaneTunerTests {
    /// Seconds that a test says a step takes, and how often it was asked.
    private final class Stopwatch {
        var asked: [String] = []
        var seconds: [String: Double]

        init(_ seconds: [String: Double]) { self.seconds = seconds }

        func callAsFunction(_ lanes: Lanes) -> Double? {
            asked.append(lanes.description)
            return seconds[lanes.description]
        }
    }

    private let slowLanes = ["1 thread": 36e-6, "2 lanes of 1 thread": 287e-6]
    private let fastLanes = ["1 thread": 36e-6, "2 lanes of 1 thread": 20e-6]

    private func session(
        _ job: Job, _ watch: Stopwatch, cache: TuningCache?, purpose: Session.Purpose = .training,
        isBusy: Bool = false
    ) throws -> Session {
        try Session(
            job: job, communicator: LoopbackCommunicator(), purpose: purpose,
            laneTuner: LaneTuner(cache: cache, stopwatch: { watch($0) }, isBusy: { isBusy }),
            makeBackend: KernelSelection.native.makeBackend)
    }

    @Test func theFasterWayIsTakenAndRemembered() throws {
        let small = try SmallJob()
        let cache = TuningCache(folder: small.path("cache"))
        let job = try small.job("training.threads=2")
        let (slow, fast) = (Stopwatch(slowLanes), Stopwatch(fastLanes))
        #expect(try session(job, slow, cache: cache).lanes == .single)
        #expect(slow.asked == ["1 thread", "2 lanes of 1 thread"])
        // What was found stays, whatever would be found now.
        #expect(try session(job, fast, cache: cache).lanes == .single)
        #expect(fast.asked.isEmpty)
        // Another user's cache, another way.
        #expect(try session(job, fast, cache: nil).lanes.description == "2 lanes of 1 thread")
    }

    /// With others on the cores a measurement holds for one run.
    @Test func aBusyMachineIsMeasuredAgain() throws {
        let small = try SmallJob()
        let cache = TuningCache(folder: small.path("cache"))
        let job = try small.job("training.threads=2")
        #expect(try session(job, Stopwatch(slowLanes), cache: cache, isBusy: true).lanes == .single)
        let watch = Stopwatch(fastLanes)
        #expect(try session(job, watch, cache: cache).lanes.description == "2 lanes of 1 thread")
        #expect(watch.asked.count == 2)
        // What was found on a quiet machine holds on a busy one.
        let known = try session(job, Stopwatch(slowLanes), cache: cache, isBusy: true)
        #expect(known.lanes.description == "2 lanes of 1 thread")

        for (text, isHigh) in [
            ("0.99 3 3 1/9 9", false), ("1.00 0 0 1/9 9", true), ("6.15 5.15 4.00 7/301 1", true),
            ("", false),
            ("nonsense", false),
        ] {
            #expect(MachineLoad.isHigh(loadAverages: text, cores: 2) == isHigh, "\(text)")
        }
    }

    @Test func eachBatchModelAndNumberOfThreadsIsMeasured() throws {
        let small = try SmallJob()
        let cache = TuningCache(folder: small.path("cache"))
        let watch = Stopwatch(fastLanes)
        for overrides in [
            [], ["training.batch_size=17"], ["training.accumulate=2"], ["training.threads=3"],
            ["model.layers[0].units=9"], ["training.micro_batch=3"], ["training.reproducible=strict"],
            ["training.precision=bfloat16"],
        ] {
            let job = try Job.load(
                path: small.path("job.yaml"),
                overrides: (overrides == ["training.threads=3"] ? [] : ["training.threads=2"]) + overrides)
            watch.asked = []
            _ = try session(job, watch, cache: cache)
            #expect(!watch.asked.isEmpty, "\(overrides)")
            watch.asked = []
            _ = try session(job, watch, cache: cache)
            #expect(watch.asked.isEmpty, "\(overrides)")
        }
    }

    @Test func oneThreadMeasuresNothing() throws {
        let small = try SmallJob()
        let watch = Stopwatch(fastLanes)
        for overrides in [["training.threads=1"], ["training.threads=2", "training.batch_size=1"]] {
            let job = try Job.load(path: small.path("job.yaml"), overrides: overrides)
            #expect(try session(job, watch, cache: nil).lanes == .single)
        }
        #expect(watch.asked.isEmpty)
    }

    /// A prediction takes what training found, and measures nothing.
    @Test func inferenceGoesByWhatTrainingFound() throws {
        let small = try SmallJob()
        let cache = TuningCache(folder: small.path("cache"))
        let job = try small.job("training.threads=2")
        let watch = Stopwatch(slowLanes)
        let unknown = try session(job, watch, cache: cache, purpose: .inference)
        #expect(unknown.lanes.description == "2 lanes of 1 thread")
        #expect(watch.asked.isEmpty)
        _ = try session(job, watch, cache: cache)
        #expect(try session(job, watch, cache: cache, purpose: .inference).lanes == .single)
    }

    /// A run that continues adds up as it did, on whatever machine's cache.
    @Test func aRunGoesByWhatItUsedBefore() throws {
        let small = try SmallJob()
        let job = try small.job("training.threads=2")
        let outcome = try TrainingRun(session(job, Stopwatch(fastLanes), cache: nil)).run(
            resume: .automatic, console: nil, isStopRequested: { false })
        #expect(outcome == .finished)
        let watch = Stopwatch(slowLanes)
        let cache = TuningCache(folder: small.path("cache"))
        let continued = try session(job, watch, cache: cache)
        #expect(continued.lanes.description == "2 lanes of 1 thread")
        #expect(watch.asked.isEmpty)
    }

    @Test func allRanksTakeWhatTheFirstFound() throws {
        let small = try SmallJob()
        let path = small.path("job.yaml")
        let lanes = try InProcessCommunicator.run(worldSize: 3) { communicator in
            let rank = communicator.rank
            let job = try Job.load(path: path, overrides: ["training.threads=2"])
            // The others would find something else.
            let seconds = rank == 0 ? ["1 thread": 1.0, "2 lanes of 1 thread": 0.5] : ["1 thread": 1.0]
            return try Session(
                job: job, communicator: communicator,
                laneTuner: LaneTuner(cache: nil, stopwatch: { seconds[$0.description] }),
                makeBackend: KernelSelection.native.makeBackend
            ).lanes.description
        }
        #expect(lanes == Array(repeating: "2 lanes of 1 thread", count: 3))
    }

    @Test func checkTellsWhatIsKnown() throws {
        let small = try SmallJob()
        let cache = TuningCache(folder: small.path("cache"))
        let job = try small.job("training.threads=2")
        func ranks(_ tuner: LaneTuner) throws -> String {
            let check = JobCheck(
                job, ranks: 1, cores: MachineCores(threads: 2, cores: 2),
                backend: try KernelSelection.native.makeBackend(threads: 1), laneTuner: tuner)
            return String(check.report.split(separator: "\n").first { $0.hasPrefix("ranks") } ?? "")
        }
        #expect(
            try ranks(LaneTuner(cache: cache)).hasSuffix(
                "1, each up to 2 threads (a run measures first how many are fastest, and how they share the "
                    + "work), on 2 cores"))
        _ = try session(job, Stopwatch(slowLanes), cache: cache)
        #expect(try ranks(LaneTuner(cache: cache)).hasSuffix("1, each 1 thread, on 2 cores"))
    }

    /// With a clock: whatever it finds is one of the candidates, found again.
    @Test(arguments: ["training.reproducible=rounding", "training.reproducible=strict"])
    func measurementsAreRemembered(_ override: String) throws {
        let small = try SmallJob()
        let cache = TuningCache(folder: small.path("cache"))
        let job = try small.job("training.threads=4", override)
        func lanes() throws -> Lanes {
            try Session(
                job: job, communicator: LoopbackCommunicator(),
                laneTuner: LaneTuner(cache: cache, isBusy: { false }),
                makeBackend: KernelSelection.native.makeBackend
            ).lanes
        }
        let first = try lanes()
        #expect([1, 2, 4].contains(first.count) && first.threadsEach == 1)
        #expect(try lanes() == first)
        let question = LaneTuner.Question(job, threads: 4, worldSize: 1, ranksOnMachine: 1)
        #expect(question.candidates.contains(first))
    }

    /// Every candidate can be run, also on parts of a batch that the threads do not divide.
    @Test func everyCandidateIsMeasured() throws {
        let small = try SmallJob()
        for overrides in [["training.batch_size=7"], ["training.batch_size=3", "training.accumulate=3"]] {
            let job = try Job.load(
                path: small.path("job.yaml"),
                overrides: overrides + ["model.layers[0].units=2000", "training.threads=3"])
            let question = LaneTuner.Question(job, threads: 3, worldSize: 1, ranksOnMachine: 1)
            #expect(question.candidates.count >= 4)
            let seconds = try LaneMeasurement(
                job, question, makeBackend: KernelSelection.native.makeBackend
            ).seconds()
            #expect(seconds.allSatisfy { $0.map { $0 > 0 && $0.isFinite } ?? false })
        }
    }
}
