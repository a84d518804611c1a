import Foundation
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

/// `mio train` looks after its run: real processes, real kills. A run that was disturbed ends with the bits of one that was
/// not.
@Suite(.serialized) struct SupervisionTests {
    private static let epochs = 120

    private func arguments(_ more: [String] = [], ranks: Int = 2) -> [String] {
        [
            "train", "-n", "\(ranks)", "--set", "training.epochs=\(Self.epochs)", "--set",
            "training.reproducible=strict",
        ] + more
    }

    private func folder(_ small: SmallJob) -> RunFolder { RunFolder(small.path("runs/small")) }

    private func weights(_ small: SmallJob) throws -> Data {
        try Data(contentsOf: URL(filePath: small.path("runs/small/model.safetensors")))
    }

    /// Of a run that nobody disturbs; made once.
    private func undisturbed() throws -> Data { try Self.reference.get() }

    private static let reference = Result {
        let small = try SmallJob()
        let run = try mio(
            [
                "train", "--set", "training.epochs=\(epochs)", "--set", "training.reproducible=strict",
                "--set",
                "checkpoints.every_epochs=\(epochs)",
            ], in: small)
        guard run.status == 0 else { throw SpawnedProcess.Failure(run.errors) }
        return try Data(contentsOf: URL(filePath: small.path("runs/small/model.safetensors")))
    }

    private func waitForCheckpoint(_ small: SmallJob, _ started: SpawnedProcess, atLeast epochs: Int = 2)
        throws
    {
        try waitUntil("a checkpoint") {
            !started.isRunning
                || (try? FileManager.default.contentsOfDirectory(atPath: small.path("runs/small/checkpoints")))?
                    .contains { Int($0.dropFirst(5)).map { $0 >= 6 * epochs } ?? false } == true
        }
        #expect(started.isRunning)
    }

    private func ends(_ small: SmallJob) throws -> [RunEnd] {
        try folder(small).events.read().events.filter { $0.event == .end }.compactMap(\.end)
    }

    @Test(arguments: [0, 1]) func aRankThatDiesIsStartedAgain(rank: Int) throws {
        let small = try SmallJob()
        let started = try start(arguments(), in: small)
        try waitForCheckpoint(small, started)
        kill(try #require(RankProcesses(folder(small).path).ranks[rank]), SIGKILL)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("mio: rank \(rank) was ended by signal 9"), "\(run.errors)")
        #expect(try weights(small) == undisturbed())
        let ends = try ends(small)
        #expect(ends.map(\.cause) == [.crashed, .finished])
        #expect(ends.first?.rank == rank)
        #expect(ends.first?.signal == 9)
        let ledger = try #require(try folder(small).ledger())
        #expect(ledger.attempts.map(\.number) == [1, 2])
        #expect(ledger.attempts[0].launch.first == "mpirun")
        #expect(ledger.command.contains("train"))
        #expect((ledger.attempts[1].fromStep ?? 0) > 0)
        #expect(try folder(small).status()?.state == .finished)
        #expect(try folder(small).lease()?.isReleased == true)
        for attempt in 1...2 {
            let log = try String(
                contentsOfFile: folder(small).logPath(attempt: attempt, rank: 0), encoding: .utf8)
            #expect(log.contains("epoch "), "attempt \(attempt)")
        }
    }

    /// The job file is a person's, who may change it for the next run, give it another name, or take it away.
    @Test(arguments: [
        "learning_rate: 0.01|learning_rate: 0.3", "name: small|name: large", "units: 8|units: many", "",
    ])
    func aRunGoesOnWithTheJobItBeganWith(change: String) throws {
        let small = try SmallJob()
        let started = try start(arguments(), in: small)
        try waitForCheckpoint(small, started)
        let parts = change.split(separator: "|").map(String.init)
        if parts.isEmpty {
            try FileManager.default.removeItem(atPath: small.path("job.yaml"))
        } else {
            let text = try String(contentsOfFile: small.path("job.yaml"), encoding: .utf8)
            try Data(text.replacing(parts[0], with: parts[1]).utf8).write(
                to: URL(filePath: small.path("job.yaml")))
        }
        kill(try #require(RankProcesses(folder(small).path).ranks[1]), SIGKILL)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("job.yaml has changed since the run was asked for"), "\(run.errors)")
        #expect(try weights(small) == undisturbed())
        #expect(try ends(small).map(\.cause) == [.crashed, .finished])
        #expect(!FileManager.default.fileExists(atPath: small.path("runs/large")))
    }

    @Test func theLauncherMayDieToo() throws {
        let small = try SmallJob()
        let started = try start(arguments(), in: small)
        try waitForCheckpoint(small, started)
        kill(try #require(RankProcesses(folder(small).path).mpirun), SIGKILL)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try weights(small) == undisturbed())
        #expect(try ends(small).map(\.cause) == [.crashed, .finished])
    }

    @Test func aRankThatIsStoppedIsFound() throws {
        let small = try SmallJob()
        let started = try start(arguments(), in: small)
        try waitForCheckpoint(small, started)
        kill(try #require(RankProcesses(folder(small).path).ranks[1]), SIGSTOP)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("mio: rank 1 has been stopped (SIGSTOP) for 1"), "\(run.errors)")
        #expect(try weights(small) == undisturbed())
        let ends = try ends(small)
        #expect(ends.map(\.cause) == [.hang, .finished])
        #expect(ends.first?.rank == 1)
        let evidence = try String(
            contentsOfFile: folder(small).logsPath(attempt: 1) + "/hang.txt", encoding: .utf8)
        #expect(evidence.contains("rank 1: process "))
        #expect(evidence.contains("state T"))
        #expect(RankProcesses(folder(small).path).areGone)
    }

    /// Ranks come to their end without it, and cannot leave.
    @Test func aLauncherThatIsStoppedIsFound() throws {
        let small = try SmallJob()
        let started = try start(arguments(), in: small)
        try waitForCheckpoint(small, started)
        kill(try #require(RankProcesses(folder(small).path).mpirun), SIGSTOP)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("mio: mpirun has been stopped (SIGSTOP) for 1"), "\(run.errors)")
        #expect(try weights(small) == undisturbed())
        #expect(try ends(small).map(\.cause) == [.hang, .finished])
        #expect(RankProcesses(folder(small).path).areGone)
    }

    /// Before it has said anything, or a moment later.
    @Test func aRankThatIsStoppedAtOnceIsFound() throws {
        let small = try SmallJob()
        let started = try start(arguments(), in: small)
        let processes = RankProcesses(folder(small).path)
        var rank: Int32?
        try waitUntil("a rank is there") {
            rank = processes.ranks[1]
            return rank != nil || !started.isRunning
        }
        kill(try #require(rank), SIGSTOP)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("has been stopped (SIGSTOP) for 1"), "\(run.errors)")
        #expect(try weights(small) == undisturbed())
        #expect(processes.areGone)
    }

    /// One request is enough where a rank stands still, and what is said of the newest checkpoint is so.
    @Test func aRunWithAStoppedRankCanBeStopped() throws {
        let small = try SmallJob()
        let started = try startEndless(ranks: 2, in: small)
        kill(try #require(RankProcesses(folder(small).path).ranks[1]), SIGSTOP)
        usleep(300_000)
        started.signal(SIGINT)
        let run = try started.wait(atMost: 60)
        #expect(run.status == 128 + SIGTERM, "\(run.errors)")
        let claimed = try #require(run.errors.split(separator: "\n").last?.split(separator: " ").last)
        #expect(FileManager.default.fileExists(atPath: String(claimed) + "/manifest.json"), "\(run.errors)")
        #expect(RankProcesses(folder(small).path).areGone)
    }

    /// Another one takes over at once, and waits for ranks that are left: also for one that does not end by itself.
    @Test(arguments: [false, true]) func aSupervisorMayDie(withStoppedRank: Bool) throws {
        let small = try SmallJob()
        let started = try start(arguments(), in: small)
        try waitForCheckpoint(small, started)
        let processes = RankProcesses(folder(small).path)
        if withStoppedRank { kill(try #require(processes.ranks[1]), SIGSTOP) }
        started.signal(SIGKILL)
        _ = try started.wait(atMost: 10)
        let run = try mio(arguments(), in: small)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try weights(small) == undisturbed())
        #expect(try folder(small).lease()?.generation == 2)
        #expect(processes.areGone, "\(processes.description)")
    }

    @Test func twoSupervisorsDoNotShareARun() throws {
        let small = try SmallJob()
        let started = try startEndless(ranks: 2, in: small)
        let second = try mio(arguments(), in: small)
        #expect(second.status == 74)
        #expect(
            second.errors.contains("another run holds it: process \(started.processIdentifier) on "),
            "\(second.errors)")
        #expect(started.isRunning)
        let stop = try mio("stop", "--wait", "small", in: small)
        #expect(stop.status == 75, "\(stop.errors)")
        #expect(try started.wait(atMost: 60).status == 75)
        #expect(try folder(small).status()?.end?.cause == .stoppedByUser)
        #expect(try folder(small).events.read().events.contains { $0.event == .request && $0.by != nil })
        #expect(try folder(small).request() == nil)
    }

    /// Before the first step, so that it is the same step each time.
    @Test func theSameFaultAgainAndAgainIsNoProgress() throws {
        let small = try SmallJob()
        // Without the runtime's search for a stack, during which others may end the rank.
        let started = try SpawnedProcess([
            "env", "-C", small.folder.path, "SWIFT_BACKTRACE=enable=no", BuiltProgram.path("mio"), "train",
            "-n",
            "2", "--kernels", "reference", "--set", "model.layers[0].units=3000000", "--set",
            "training.epochs=100000000",
        ])
        let processes = RankProcesses(folder(small).path)
        var killed: Set<Int32> = []
        let tries = ContinuousClock.now
        while started.isRunning, tries.duration(to: .now) < .seconds(90) {
            let status = try folder(small).status()
            if let process = processes.ranks[1], !killed.contains(process), killed.count < 5,
                status?.state == .starting, status?.attempt == killed.count + 1
            {
                killed.insert(process)
                // Open MPI shows a stack at the first, and leaves the second to the system.
                kill(process, SIGSEGV)
                usleep(300_000)
                kill(process, SIGSEGV)
            }
            usleep(10_000)
        }
        if started.isRunning { started.signal(SIGKILL) }
        let run = try started.wait(atMost: 10)
        #expect(killed.count == 3)
        #expect(run.status == 79, "\(run.errors)")
        #expect(
            run.errors.contains("the same fault 3 times without progress, at step 1 on rank 1"),
            "\(run.errors)")
        let status = try #require(try folder(small).status())
        #expect(status.state == .failed)
        #expect(status.end?.cause == .noProgress)
        #expect(status.end?.exitCode == 79)
    }

    @Test func aModeOnlyReports() throws {
        let small = try SmallJob()
        let started = try start(arguments(["--report-only"]), in: small)
        try waitForCheckpoint(small, started)
        kill(try #require(RankProcesses(folder(small).path).ranks[1]), SIGKILL)
        let run = try started.wait(atMost: 60)
        #expect(run.status == 128 + SIGKILL)
        #expect(
            run.errors.contains("mio: would start the run again from the checkpoint of step "),
            "\(run.errors)")
        #expect(try folder(small).ledger()?.attempts.count == 1)
        #expect(try folder(small).status()?.state == .failed)
        let again = try start(
            ["train", "-n", "2", "--restarts", "0", "--set", "training.epochs=100000000"], in: small)
        try waitUntil("the second attempt works") {
            try folder(small).status()?.attempt == 2 && folder(small).status()?.state == .running
                || !again.isRunning
        }
        if let process = RankProcesses(folder(small).path).ranks[0] { kill(process, SIGKILL) }
        #expect(try again.wait(atMost: 60).status == 128 + SIGKILL)
    }

    @Test func aTimeLimitStopsTheRun() throws {
        let small = try SmallJob()
        let run = try mio(
            ["train", "-n", "2", "--set", "training.epochs=100000000", "--set", "training.time_limit=4"],
            in: small)
        #expect(run.status == 75, "\(run.errors)")
        let end = try #require(try folder(small).status()?.end)
        #expect(end.cause == .deadline)
        #expect(end.text.hasPrefix("stopped before the time limit"))
    }

    /// A run that writes checkpoints by time says how often.
    @Test func theIntervalOfCheckpointsIsShown() throws {
        let small = try SmallJob()
        let started = try start(
            [
                "train", "--set", "training.epochs=100000000", "--set", "checkpoints.every=auto", "--set",
                "logging.every_steps=1000",
            ], in: small)
        try waitUntil("the interval is told") {
            try !started.isRunning || folder(small).status()?.checkpointSeconds != nil
        }
        let page = try mio("show", "small", in: small).output
        started.signal(SIGINT)
        #expect(try started.wait(atMost: 60).status == 75)
        // √(2 · 1 s · 4 h), before a checkpoint has shown what it costs.
        #expect(page.contains("  a checkpoint every 2 min 50 s\n"), "\(page)")
        let end = try mio("show", "small", in: small).output
        #expect(!end.contains("a checkpoint every"), "\(end)")
    }

    /// `mio` and what it shows of runs.
    @Test func runsAreListedShownAndPruned() throws {
        let small = try SmallJob()
        #expect(try mio("train", in: small).status == 0)
        let list = try mio("runs", in: small)
        #expect(list.output.contains("small  finished  12"), "\(list.output)")
        let lines = try mio("runs", "--json", in: small)
        #expect(lines.output.contains("\"state\":\"finished\""), "\(lines.output)")
        let show = try mio("show", "job.yaml", in: small)
        #expect(show.output.contains("checkpoints of steps 12, 6"), "\(show.output)")
        #expect(show.output.contains("finished: all epochs are done"))
        #expect(try mio("logs", "small", in: small).output.contains("epoch 2/2 done"))
        #expect(try mio("watch", "--once", "small", in: small).status == 0)
        #expect(try mio("wait", "small", in: small).status == 0)
        #expect(try mio("verify", "small", in: small).status == 0)
        #expect(try mio("stop", "small", in: small).status == 66)
        #expect(try mio("show", "nonesuch", in: small).status == 66)
        #expect(
            try mio(
                "train", "--set", "run_directory=runs/other", "--set", "optimizer.learning_rate=0.02",
                in: small
            )
            .status == 0)
        let compare = try mio("compare", "small", "other", in: small)
        let rows = compare.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        // The runs have one name, that of the job.
        #expect(rows.first?.map { URL(filePath: $0).lastPathComponent } == ["small", "other"])
        #expect(rows.contains(["optimizer.learning_rate", "0.01", "0.02"]), "\(compare.output)")
        let prune = try mio("prune", "small", in: small)
        #expect(
            prune.output.contains("removed ") && prune.output.contains("step-000000006"), "\(prune.output)")
        #expect(try mio("show", "small", in: small).output.contains("checkpoints of steps 12\n"))
        try Data(count: 10).write(
            to: URL(filePath: small.path("runs/small/checkpoints/step-000000012/weights.safetensors")))
        let damaged = try mio("verify", "small", in: small)
        #expect(damaged.status == 65)
        #expect(damaged.output.contains("step-000000012"), "\(damaged.output)")
        try SmallData(samples: 90, stream: 77).write(to: small.path("train.npz"))
        #expect(
            try mio("verify", "other", in: small).output.contains(
                "train.npz: its arrays are not those of the run"))
        let kept = try mio(
            "train", "--set", "run_directory=runs/kept", "--set", "training.epochs=4", "--set",
            "checkpoints.keep={last: 2, best: 1, monitor: learning_rate, mode: min, every_steps: 12}",
            in: small)
        #expect(kept.status == 0, "\(kept.errors)")
        let page = try mio("show", "kept", in: small).output
        #expect(
            page.contains("checkpoints of steps 24, 18, 12, 6 (learning_rate 0.01, the best)\n"), "\(page)")
        #expect(try mio("prune", "kept", in: small).output.contains("step-000000018"))
        #expect(try mio("show", "kept", in: small).output.contains("checkpoints of steps 24, 12, 6 ("))
        #expect(try mio("prune", "--newest-only", "kept", in: small).status == 0)
        #expect(try mio("show", "kept", in: small).output.contains("checkpoints of steps 24 (learning"))
        // Both say where, and leave what they found.
        let retry = try mio("retry", "--dry-run", "small", in: small)
        #expect(retry.errors.contains(" train"), "\(retry.errors)")
    }
}
