import Foundation
import MIOBase
import MIORecords
import ProcessSupport
import Testing

/// Kills a training again and again, starts it again each time, and holds the end to a run that nobody
/// disturbed.
///
/// Kills come at random moments: while the processes start, between steps, while a checkpoint is being
/// written; to a random rank, to all, or to the launcher. The same seed gives the same kills, up to the
/// machine's own timing.
struct KillCampaign {
    let kills: Int
    /// From which each start draws its number of ranks.
    let ranks: [Int]
    let sample: SampleJob
    let overrides: [String]
    private var random: PhiloxSequence

    init(kills: Int, ranks: [Int], seed: UInt64, sample: SampleJob, overrides: [String]) {
        self.kills = kills
        self.ranks = ranks
        self.sample = sample
        self.overrides = overrides
        random = PhiloxSequence(seed: seed, stream: 9)
    }

    /// How many kills the tests do: few as a rule, as many as MIO_CAMPAIGN_KILLS says in `scripts/campaign`.
    static var requestedKills: Int {
        ProcessInfo.processInfo.environment["MIO_CAMPAIGN_KILLS"].flatMap { Int($0) } ?? 8
    }

    /// - Returns: the steps of the whole training.
    mutating func run() throws -> Int {
        let folder = try TrainingFolder()
        let job = try sample.prepare(in: folder, shards: [17, 12])
        let records = folder.records()
        var last = 0
        for round in 1...kills {
            let run = try WorkerRun(job, ranks: draw(ranks), arguments(epochs: 1_000_000, "run"))
            try waitForMoment(run, records, after: last)
            kill(run)
            try run.waitUntilGone()
            last = try check(records, round: round, previous: last)
        }

        let epochs = (try records.newestCheckpoint()?.manifest.epoch ?? 0) + 2
        let end = try WorkerRun.outcome(job, ranks: draw(ranks), arguments(epochs: epochs, "run"))
        #expect(end.status == 0, "\(end.errors)")
        let undisturbed = try WorkerRun.outcome(
            job, ranks: ranks[0], arguments(epochs: epochs, "undisturbed"))
        #expect(undisturbed.status == 0, "\(undisturbed.errors)")

        let expected = folder.records("undisturbed")
        let steps = try expected.steps().count
        // At one number of ranks nothing rounds differently: then not a bit may differ.
        let tolerance =
            Set(ranks).count == 1 ? nil : Tolerance(longestSum: sample.longestSum, steps: steps)
        try expectSameEvents(records, expected, tolerance, "\(kills) kills")
        try expectSameWeights(records, expected, tolerance, "\(kills) kills")
        #expect(try records.checkpointSteps() == expected.checkpointSteps(), "\(kills) kills")
        return steps
    }

    private func arguments(epochs: Int, _ name: String) -> [String] {
        (overrides + ["training.epochs=\(epochs)", "run_directory=\(name)", "checkpoints.every_steps=1"])
            .flatMap { ["--set", $0] }
    }

    private mutating func draw<Value>(_ values: [Value]) -> Value {
        values[Int(random.nextWord()) % values.count]
    }

    private mutating func waitForMoment(_ run: WorkerRun, _ records: RunRecords, after last: Int) throws {
        func check() throws {
            guard run.isRunning else {
                throw SpawnedProcess.Failure(
                    "the run ended before it was killed: \(try run.wait().errors)")
            }
        }
        let delay = random.nextUnit()
        let step = last + 1 + Int(random.nextWord() % 8)
        switch random.nextWord() % 4 {
        case 0:
            // From the start of the launcher to some steps.
            usleep(UInt32(delay * 800_000))
        case 1:
            try waitUntil("step \(step)") {
                try check()
                return try records.steps().last?.step ?? 0 >= step
            }
            usleep(UInt32(delay * 30_000))
        default:
            // The folder is there only while a checkpoint is being written.
            try waitUntil("a checkpoint after step \(step)") {
                try check()
                return try records.steps().last?.step ?? 0 >= step && isWriting(records)
            }
            usleep(UInt32(delay * 2_000))
        }
        try check()
    }

    private func isWriting(_ records: RunRecords) throws -> Bool {
        guard FileManager.default.fileExists(atPath: records.checkpointsPath) else { return false }
        return try FileManager.default.contentsOfDirectory(atPath: records.checkpointsPath)
            .contains { $0.contains(".tmp-") }
    }

    private mutating func kill(_ run: WorkerRun) {
        switch random.nextWord() % 4 {
        case 0: run.killEverything()
        case 1: run.signalLauncher(SIGKILL)
        default:
            run.signal(SIGKILL, rank: Int(random.nextWord()) % run.ranks)
            // A rank that had not started yet cannot be killed; its launcher can.
            usleep(300_000)
            if run.isRunning { run.signalLauncher(SIGKILL) }
        }
    }

    /// What a kill leaves must be whole: the newest checkpoint, and every step's line up to it, once.
    private func check(_ records: RunRecords, round: Int, previous: Int) throws -> Int {
        guard let found = try CheckpointStore(folder: records.checkpointsPath, keep: 1).newestValid() else {
            #expect(previous == 0, "kill \(round): no checkpoint any more")
            return 0
        }
        #expect(found.warnings == [], "kill \(round)")
        let step = found.checkpoint.manifest.step
        #expect(step >= previous, "kill \(round)")
        #expect(
            try records.steps().map(\.step).prefix(step) == ArraySlice(Array(1...step)), "kill \(round)")
        return step
    }
}
