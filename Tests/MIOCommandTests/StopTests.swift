import Foundation
import ProcessSupport
import SmallJobs
import Testing

/// How `mio train` ends where it is asked to stop, is killed, or nobody listens to it. One after the other: each starts
/// several processes.
@Suite(.serialized) struct StopTests {
    /// Both ways of asking, at both kinds of launch.
    @Test(arguments: [(SIGTERM, 2), (SIGINT, 2), (SIGINT, 1)])
    func aRequestToStopMakesACheckpoint(signal: Int32, ranks: Int) throws {
        let small = try SmallJob()
        let started = try startEndless(ranks: ranks, in: small)
        started.signal(signal)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 75, "\(run.errors)")
        #expect(run.errors.contains("\nstopping after a checkpoint; once more to stop now\n"))
        let checkpoints = try FileManager.default.contentsOfDirectory(
            atPath: small.path("runs/small/checkpoints"))
        #expect(checkpoints.contains { $0.hasPrefix("step-") })
    }

    /// Whenever it comes: before mpirun has started anything, before a rank listens.
    @Test(arguments: [0, 20, 50, 80, 120], [1, 2])
    func anEarlyRequestToStopIsHeeded(milliseconds: Int, ranks: Int) throws {
        let small = try SmallJob()
        let started = try start(
            ["train", "-n", "\(ranks)", "--set", "training.epochs=100000000"], in: small)
        usleep(UInt32(milliseconds) * 1000)
        started.signal(SIGINT)
        let run = try started.wait(atMost: 60)
        // Before it says what it starts, the signal ends it.
        #expect(run.status == (run.errors.isEmpty ? 128 + SIGINT : 75), "\(run.errors)")
        #expect(!run.errors.contains("mio: "), "\(run.errors)")
    }

    #if os(Linux)
        /// Nobody would be left to stop them.
        @Test(arguments: [1, 2]) func ranksOfAKilledLauncherCheckpointAndEnd(ranks: Int) throws {
            let small = try SmallJob()
            let started = try startEndless(ranks: ranks, in: small)
            started.signal(SIGKILL)
            #expect(try started.wait(atMost: 60).status == 128 + SIGKILL)
            let folder = URL(filePath: small.folder.path).resolvingSymlinksInPath().path
            try waitUntil("the end of all that works in the job's folder") {
                try FileManager.default.contentsOfDirectory(atPath: "/proc").allSatisfy {
                    Int($0) == nil
                        || (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/cwd"))
                            != folder
                }
            }
            // Every step is logged; a sixth of them end an epoch, and have a checkpoint anyway.
            let records = try String(contentsOfFile: small.path("runs/small/metrics.jsonl"), encoding: .utf8)
            let steps = records.split(separator: "\n").filter { $0.contains("\"event\": \"step\"") }
            let step = try #require(steps.last)
            let newest = try FileManager.default.contentsOfDirectory(
                atPath: small.path("runs/small/checkpoints")
            ).max()
            let number = try #require(newest.flatMap { Int($0.dropFirst("step-".count)) })
            #expect(step.contains("\"step\": \(number),"), "\(step)")
        }
    #endif

    @Test(arguments: [1, 2]) func ctrlBackslashEndsItQuietly(ranks: Int) throws {
        let small = try SmallJob()
        let started = try startEndless(ranks: ranks, in: small)
        started.signal(SIGQUIT)
        let run = try started.wait(atMost: 60)
        #expect([75, 128 + SIGTERM].contains(run.status), "\(run.errors)")
        #expect(run.errors.contains("\nstopping now\n"))
        #expect(!run.errors.contains("crash"))
    }

    /// `mio train | head -1`: the run goes on without its reader.
    @Test(arguments: [1, 2]) func aReaderThatLeavesEndsNothing(ranks: Int) throws {
        let small = try SmallJob()
        let run = try SpawnedProcess(
            [
                "sh", "-c",
                "{ \"$0\" train -n \(ranks) \"$1\" --set training.epochs=30 2>&1; echo $? > \"$2\"; } | head -1",
                BuiltProgram.path("mio"), small.path("job.yaml"), small.path("status"),
            ], environment: [:]
        ).wait(atMost: 60)
        #expect(run.status == 0)
        let status = try String(contentsOfFile: small.path("status"), encoding: .utf8)
        #expect(status == "0\n")
        #expect(FileManager.default.fileExists(atPath: small.path("runs/small/model.safetensors")))
    }

    /// In the midst of a step that takes far longer than the signals.
    @Test(arguments: [1, 2]) func aSecondRequestStopsAtOnce(ranks: Int) throws {
        let small = try SmallJob()
        let started = try start(
            [
                "train", "-n", "\(ranks)", "--kernels", "reference", "--set", "model.layers[0].units=3000000",
                "--set", "training.batch_size=90",
                "--set", "training.epochs=100000000",
            ], in: small)
        try waitUntil("the start") {
            FileManager.default.fileExists(atPath: small.path("runs/small/job.yaml")) || !started.isRunning
        }
        started.signal(SIGINT)
        try waitUntil("the answer") { try started.errorsSoFar().contains("stopping after a checkpoint") }
        // What comes within half a second is one request.
        usleep(700_000)
        started.signal(SIGINT)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 128 + SIGTERM, "\(run.errors)")
        #expect(run.errors.contains("\nstopping now\n"))
        #expect(!run.errors.contains("mio: "), "\(run.errors)")
        // mpirun gives its ranks a second to end by themselves.
        guard ranks == 1 else { return }
        let checkpoints = try FileManager.default.contentsOfDirectory(
            atPath: small.path("runs/small/checkpoints"))
        #expect(checkpoints.allSatisfy { $0.hasPrefix(".") })
    }

    /// `timeout` tells a program and its group: twice, at nearly the same time.
    @Test(arguments: [1, 2]) func aRequestThatComesTwiceIsOne(ranks: Int) throws {
        let small = try SmallJob()
        let started = try startEndless(ranks: ranks, in: small)
        for _ in 0..<3 {
            started.signal(SIGTERM)
            usleep(30_000)
        }
        let run = try started.wait(atMost: 60)
        #expect(run.status == 75, "\(run.errors)")
        #expect(!run.errors.contains("stopping now"), "\(run.errors)")
    }

    /// One request is enough where a file takes longer to read.
    @Test(arguments: [1, 2]) func aLongFileDoesNotDelayAStop(ranks: Int) throws {
        let small = try SmallJob()
        try Self.writeLongCSV(to: small.path("long.csv"))
        let started = try start(
            [
                "train", "-n", "\(ranks)", "--set", "data.train.files=long.csv", "--set",
                "data.train.columns={input: [a, b, c, d, e, f], kind: kind, box: [u, v]}", "--set",
                "data.validation=null", "--set", "training.epochs=100000000",
            ], in: small)
        try waitUntil("a rank that reads the file") {
            try FileManager.default.contentsOfDirectory(atPath: "/proc").contains { name in
                guard Int(name) != nil else { return false }
                let maps = FileManager.default.contents(atPath: "/proc/\(name)/maps") ?? Data()
                let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(name)/exe")
                return program?.hasSuffix("/mio-worker") == true
                    && String(decoding: maps, as: UTF8.self).contains(small.path("long.csv"))
            } || !started.isRunning
        }
        started.signal(SIGTERM)
        let run = try started.wait(atMost: 30)
        #expect(run.status == 75, "\(run.errors)")
        #expect(
            run.errors.hasSuffix(
                "\nstopping after a checkpoint; once more to stop now\nstopped before the end of the first step; run "
                    + "again to continue\n"), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: small.path("runs/small/metrics.jsonl")))
    }

    /// A file whose rows take far longer to read than a stop may.
    private static func writeLongCSV(to path: String) throws {
        var rows = Data()
        for row in 0..<20_000 {
            rows += Data("0.\(row),0.25,-0.5,1.75,0.125,-0.0625,\(row % 3),0.5,0.25\n".utf8)
        }
        try Data("a,b,c,d,e,f,kind,u,v\n".utf8).write(to: URL(filePath: path))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.seekToEnd()
        for _ in 0..<400 { try file.write(contentsOf: rows) }
        try file.close()
    }

    private func expectStopBeforeTheFirstStep(of started: SpawnedProcess) throws {
        started.signal(SIGTERM)
        let run = try started.wait(atMost: 60)
        #expect(run.status == 75, "\(run.errors)")
        #expect(
            run.errors.hasSuffix(
                "stopped before the first step; there is no checkpoint: run again to start from the beginning\n"
            ),
            "\(run.errors)")
    }

    /// A launcher that waits for machines that do not answer hands a request on to nobody.
    @Test func aLauncherWithoutRanksIsEnded() throws {
        let small = try SmallJob()
        _ = try small.folder.write(
            Array("#!/bin/sh\ntouch \"${0%agent}asked\"\nexec sleep 600\n".utf8), to: "agent")
        #expect(chmod(small.path("agent"), 0o700) == 0)
        let started = try start(
            [
                "train", "-n", "2", "--hosts", "elsewhere:2", "--", "--mca", "plm_rsh_agent",
                small.path("agent"),
            ], in: small)
        try waitUntil("the launcher asks the other machine") {
            FileManager.default.fileExists(atPath: small.path("asked")) || !started.isRunning
        }
        try expectStopBeforeTheFirstStep(of: started)
    }

    /// One that does not end by itself: it stands in for an `mpirun` that waits for its daemons.
    @Test func aLauncherThatOnlyWaitsIsEnded() throws {
        let small = try SmallJob()
        try expectStopBeforeTheFirstStep(of: startWaitingLauncher(deafTo: "USR1", in: small))
    }

    /// One that ends neither by itself nor when it is asked to.
    @Test func aLauncherThatHangsIsEnded() throws {
        let small = try SmallJob()
        let started = try startWaitingLauncher(deafTo: "USR1 TERM INT", in: small)
        started.signal(SIGTERM)
        try waitUntil("the answer") {
            try started.errorsSoFar().contains("stopping after a checkpoint") || !started.isRunning
        }
        // What comes within half a second is one request.
        usleep(700_000)
        started.signal(SIGTERM)
        let run = try started.wait(atMost: 60)
        #expect(run.status == 137, "\(run.errors)")
        #expect(
            run.errors.hasSuffix("there is no checkpoint: run again to start from the beginning\n"),
            "\(run.errors)")
    }

    private func startWaitingLauncher(deafTo signals: String, in small: SmallJob) throws -> SpawnedProcess {
        let script = """
            #!/bin/sh
            case "$*" in *--version) echo "mpirun (Open MPI) 4.1.4"; exit 0;; esac
            trap '' \(signals)
            touch asked
            exec sleep 600

            """
        _ = try small.folder.write(Array(script.utf8), to: "mpirun")
        #expect(chmod(small.path("mpirun"), 0o700) == 0)
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let started = try SpawnedProcess([
            "env", "-C", small.folder.path, "PATH=\(small.folder.path):\(path)", BuiltProgram.path("mio"),
            "train",
            "-n", "2",
        ])
        try waitUntil("the launcher waits") {
            FileManager.default.fileExists(atPath: small.path("asked")) || !started.isRunning
        }
        return started
    }

    /// Some that start programs ignore what becomes of them, and have the programs do so too.
    @Test func itIsToldOfTheEndWhereNobodyWantedToKnow() throws {
        let small = try SmallJob()
        let run = try SpawnedProcess(
            [
                "sh", "-c", "trap '' CHLD; exec \"$0\" train \"$1\"", BuiltProgram.path("mio"),
                small.path("job.yaml"),
            ], environment: [:]
        ).wait(atMost: 60)
        #expect(run.status == 0, "\(run.errors)")
    }

    /// What was asked for is said; a checkpoint is claimed only where there is one.
    @Test func aSecondRequestClaimsNoCheckpoint() throws {
        let small = try SmallJob()
        let started = try start(
            [
                "train", "--kernels", "reference", "--set", "model.layers[0].units=3000000", "--set",
                "training.batch_size=90", "--set",
                "training.epochs=100000000",
            ], in: small)
        try waitUntil("the start") {
            FileManager.default.fileExists(atPath: small.path("runs/small/job.yaml")) || !started.isRunning
        }
        started.signal(SIGINT)
        try waitUntil("the answer") { try started.errorsSoFar().contains("stopping after a checkpoint") }
        // What comes within half a second is one request.
        usleep(700_000)
        started.signal(SIGINT)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 143)
        #expect(
            run.errors.hasSuffix(
                "stopping now\nthere is no checkpoint: run again to start from the beginning\n"),
            "\(run.errors)")
        let endless = try startEndless(ranks: 1, in: small)
        endless.signal(SIGQUIT)
        let second = try endless.wait(atMost: 120)
        #expect(
            second.errors.contains("run again to continue from \(small.path("runs/small/checkpoints/step-"))")
        )
    }
}
