import Foundation
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

/// What is said of ranks that are late, slow or hang: real processes.
@Suite(.serialized) struct HangTests {
    /// Two outputs with layers of their own, each weight large enough for a bucket.
    private static let heads = """
        name: heads
        model:
          inputs: {input: {shape: [6]}}
          layers:
            - {name: kind_hidden, class: Dense, inputs: input, units: 350000, use_bias: false, activation: relu}
            - {name: box_hidden, class: Dense, inputs: input, units: 530000, use_bias: false, activation: relu}
            - {name: kind, class: Dense, inputs: kind_hidden, units: 3, use_bias: false, activation: softmax}
            - {name: box, class: Dense, inputs: box_hidden, units: 2, use_bias: false, activation: sigmoid}
          outputs: [kind, box]
        outputs:
          kind: {loss: sparse_categorical_crossentropy}
          box: {loss: mean_squared_error}
        data: {train: {files: train.npz}}
        optimizer: {class: SGD, learning_rate: 0.01}
        training: {epochs: 1000000, batch_size: 16}
        checkpoints: {every_epochs: 1000000}

        """

    /// Stops a rank in the midst of its computing, before its buckets are complete.
    private func stop(_ rank: Int, in folder: RunFolder, _ started: SpawnedProcess) throws
        -> ProgressBoard.Entry
    {
        var stopped: ProgressBoard.Entry?
        try waitUntil("rank \(rank) is stopped while it computes") {
            guard started.isRunning, let path = (try? folder.lease())??.board,
                let board = try? ProgressBoard(opening: path), let entry = board.entry(of: rank),
                entry.stepsDone > 0
            else { return !started.isRunning }
            kill(pid_t(entry.process), SIGSTOP)
            usleep(50_000)
            guard let found = board.entry(of: rank), found.phase == .computing, found.buckets < 4 else {
                kill(pid_t(entry.process), SIGCONT)
                return false
            }
            stopped = found
            return true
        }
        return try #require(stopped)
    }

    @Test func theBucketThatRanksWaitForIsNamed() throws {
        let small = try SmallJob()
        try Self.heads.write(toFile: small.path("heads.yaml"), atomically: true, encoding: .utf8)
        // The plain kernels: code that a library makes at run time has no names.
        let started = try start(
            ["train", "-n", "3", "--restarts", "0", "--kernels", "reference", "heads.yaml"], in: small)
        let folder = RunFolder(small.path("runs/heads"))
        let entry = try stop(1, in: folder, started)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 128 + SIGTERM, "\(run.errors)")
        let names = ["head `box`", "head `kind`", "head `box`", "head `kind`"]
        let bucket = "bucket \(entry.buckets + 1), \(names[entry.buckets])"
        #expect(
            run.errors.contains(
                #/mio: rank 1 has been stopped \(SIGSTOP\) for 1[0-9] s at step [0-9]+, computing, with samples [0-9]+ to [0-9]+ of the batch; 2 ranks wait for /#
            ), "\(run.errors)")
        #expect(run.errors.contains("; 2 ranks wait for \(bucket);"), "\(run.errors)")
        let status = try #require(try folder.status())
        #expect(status.end?.cause == .hang)
        #expect(status.end?.bucket == bucket)
        #expect(status.end?.rank == 1)
        #expect(status.end?.step == entry.stepsDone)
        let buckets = try folder.ledger()?.attempts.last?.buckets
        #expect(buckets?.map(\.layers) == [["box"], ["kind"], ["box_hidden"], ["kind_hidden"]])
        #expect(buckets?.map(\.outputs) == [["box"], ["kind"], ["box"], ["kind"]])

        let evidence = try String(
            contentsOfFile: folder.logsPath(attempt: 1) + "/hang.txt", encoding: .utf8)
        let parts = evidence.split(separator: "\nstacks of rank ", omittingEmptySubsequences: false)
        #expect(parts.count == 4, "\(evidence)")
        #expect(parts.first?.contains("state T, computing") == true, "\(evidence)")
        // The one that is stopped comes first, and has told where it was.
        #expect(parts.dropFirst().first?.hasPrefix("1, process \(entry.process)") == true, "\(evidence)")
        #expect(parts.dropFirst().first?.contains("MIORun.TrainingRun.runStep(") == true, "\(evidence)")
        for waiting in parts.dropFirst(2) {
            #expect(waiting.contains("MIOComm.GroupCounters.wait("), "\(evidence)")
            #expect(waiting.contains("MIOTraining.TrainingStep.run("), "\(evidence)")
        }
        #expect(RankProcesses(folder.path).areGone)
    }

    /// A person who looks at a stopped rank finds it as it was.
    @Test func aRankThatIsOnlyReportedStaysStopped() throws {
        let small = try SmallJob()
        try Self.heads.write(toFile: small.path("heads.yaml"), atomically: true, encoding: .utf8)
        let started = try start(["train", "-n", "2", "--report-only", "heads.yaml"], in: small)
        let folder = RunFolder(small.path("runs/heads"))
        let entry = try stop(0, in: folder, started)
        let path = folder.logsPath(attempt: 1) + "/hang.txt"
        try waitUntil("the evidence") { FileManager.default.fileExists(atPath: path) || !started.isRunning }
        let evidence = try String(contentsOfFile: path, encoding: .utf8)
        #expect(evidence.contains("it is stopped, and is not continued to tell them"), "\(evidence)")
        #expect(evidence.contains("MIOComm.GroupCounters.wait("), "\(evidence)")
        let stat = try String(contentsOfFile: "/proc/\(entry.process)/stat", encoding: .utf8)
        #expect(stat.contains(") T "), "\(stat)")
        kill(pid_t(entry.process), SIGCONT)
        started.signal(SIGINT)
        #expect(try started.wait(atMost: 60).status == 75)
    }

    /// A rank that gets the processor in half of the time.
    @Test func aRankThatIsSlowerThanTheOthersIsNamed() throws {
        let small = try SmallJob()
        let started = try start(
            [
                "train", "-n", "2", "--set", "training.epochs=100000000", "--set",
                "model.layers[0].units=20000",
                "--set", "checkpoints.every_epochs=100000000",
            ], in: small)
        let folder = RunFolder(small.path("runs/small"))
        try waitUntil("the run works") { try folder.status()?.state == .running || !started.isRunning }
        let process = try #require(RankProcesses(folder.path).ranks[1])
        var warnings: [SupervisionEvent] = []
        try waitUntil("the warning") {
            // Long against a step.
            for _ in 0..<20 {
                kill(process, SIGSTOP)
                usleep(40_000)
                kill(process, SIGCONT)
                usleep(10_000)
            }
            warnings = try folder.events.read().events.filter { $0.event == .warning && $0.rank != nil }
            return !warnings.isEmpty || !started.isRunning
        }
        started.signal(SIGINT)
        let run = try started.wait(atMost: 60)
        #expect(run.status == 75, "\(run.errors)")
        #expect(warnings.map(\.rank) == [1])
        let text = try #require(warnings.first?.text)
        #expect(
            text.contains(
                #/^rank 1 \(.+\) takes [0-9]+\.[0-9] times as long to compute as the others over the last [0-9]+ steps; they wait for it in [0-9]+ % of the time$/#
            ), "\(text)")
        #expect(run.errors.contains("warning: \(text)\n"), "\(run.errors)")
    }
}
