import Foundation
import MIORecords
import ProcessSupport
import Testing

extension EndToEndTests {
    /// SIGUSR1 or SIGTERM to any rank: all agree on a step, checkpoint, and exit with 75.
    @Suite struct SignalTests {
        /// A run without an end in sight, in the folder `run`.
        private func start(
            _ folder: TrainingFolder, ranks: Int, validation: Int = 5, _ overrides: [String] = []
        ) throws -> (run: WorkerRun, job: String) {
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12], validation: validation)
            return (
                try WorkerRun(
                    job, ranks: ranks, Self.arguments(["training.epochs=1000000"] + overrides)), job
            )
        }

        private static func arguments(_ overrides: [String]) -> [String] {
            overrides.flatMap { ["--set", $0] }
        }

        private func waitForSteps(_ count: Int, _ folder: TrainingFolder) throws {
            try waitUntil("\(count) steps") { try folder.records().steps().count >= count }
        }

        /// Expects the run to have stopped as the contract says, and to continue as if it had not.
        private func expectStopAndExactContinuation(
            _ run: WorkerRun, job: String, _ folder: TrainingFolder, _ overrides: [String] = []
        ) throws {
            let stopped = try run.wait()
            #expect(stopped.status == 75, "\(stopped.errors)")
            let manifest = try #require(try folder.records().newestCheckpoint()).manifest
            #expect(stopped.errors == ["stopped after step \(manifest.step); run again to continue"])
            #expect(try folder.records().steps().map(\.step) == Array(1...manifest.step))

            let epochs = "training.epochs=\(manifest.epoch + 2)"
            let continued = try WorkerRun.outcome(
                job, ranks: run.ranks, Self.arguments([epochs] + overrides))
            #expect(continued.status == 0, "\(continued.errors)")
            #expect(continued.errors.count == 1)
            #expect(
                continued.errors.first?.hasPrefix("continuing from ") == true
                    && continued.errors.first?.hasSuffix(RunRecords.checkpointName(manifest.step)) == true)
            let undisturbed = try WorkerRun.outcome(
                job, ranks: run.ranks, Self.arguments([epochs, "run_directory=undisturbed"] + overrides))
            #expect(undisturbed.status == 0, "\(undisturbed.errors)")
            // The same number of ranks: not a bit differs.
            try expectSameEvents(folder.records(), folder.records("undisturbed"), nil, "continued")
            try expectSameWeights(folder.records(), folder.records("undisturbed"), nil, "continued")
        }

        @Test(arguments: [SIGUSR1, SIGTERM], [0, 2])
        func aSignalToOneRankStopsAll(signal: Int32, rank: Int) throws {
            let folder = try TrainingFolder()
            let (run, job) = try start(folder, ranks: 3)
            try waitForSteps(6, folder)
            run.signal(signal, rank: rank)
            try expectStopAndExactContinuation(run, job: job, folder)
        }

        @Test func theLauncherPassesUSR1On() throws {
            let folder = try TrainingFolder()
            let (run, job) = try start(folder, ranks: 2)
            try waitForSteps(3, folder)
            run.signalLauncher(SIGUSR1)
            try expectStopAndExactContinuation(run, job: job, folder)
        }

        /// The launcher gives its ranks a second at most, which is enough here or not: nothing is lost.
        @Test func aTerminatedLauncherLosesNothing() throws {
            let folder = try TrainingFolder()
            let (run, job) = try start(folder, ranks: 2)
            try waitForSteps(3, folder)
            run.signalLauncher(SIGTERM)
            #expect(try run.wait().status != 0)
            try run.waitUntilGone()
            let epochs =
                "training.epochs=\((try folder.records().newestCheckpoint()?.manifest.epoch ?? 0) + 2)"
            for name in ["run", "undisturbed"] {
                let outcome = try WorkerRun.outcome(
                    job, ranks: 2, Self.arguments([epochs, "run_directory=\(name)"]))
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            try expectSameEvents(folder.records(), folder.records("undisturbed"), nil, "continued")
            try expectSameWeights(folder.records(), folder.records("undisturbed"), nil, "continued")
        }

        @Test func aStopAtTheVeryStart() throws {
            let folder = try TrainingFolder()
            let (run, job) = try start(folder, ranks: 2)
            // The file is made just before the first step.
            try waitUntil("the run's records") {
                FileManager.default.fileExists(atPath: folder.records().metricsPath)
            }
            run.signal(SIGUSR1, rank: 1)
            try expectStopAndExactContinuation(run, job: job, folder)
        }

        @Test func aStopDuringValidation() throws {
            let folder = try TrainingFolder()
            // Validation takes far longer than an epoch's 4 steps: most stops come while one is at it. A run
            // that was stopped in its steps goes on until the next.
            let stopsTried = 10
            var manifest: CheckpointManifest
            var job: String
            var tried = 0
            repeat {
                let run: WorkerRun
                let before = try folder.records().steps().count
                (run, job) = try start(folder, ranks: 2, validation: 40_000)
                try waitForSteps(before + 4, folder)
                run.signal(SIGUSR1, rank: 1)
                let stopped = try run.wait()
                #expect(stopped.status == 75, "\(stopped.errors)")
                manifest = try #require(try folder.records().newestCheckpoint()).manifest
                tried += 1
            } while manifest.position != 29 && tried < stopsTried
            // All of the epoch's samples are seen and its steps logged, the epoch itself is not.
            #expect(manifest.position == 29, "\(tried) stops, each at a step")
            #expect(manifest.step == 4 * (manifest.epoch + 1))
            let epoch = ["step", "step", "step", "step", "epoch"]
            let events = Array(repeatElement(epoch, count: manifest.epoch + 1).joined().dropLast())
            #expect(try folder.records().events().map(\.event) == events)
            for name in ["run", "undisturbed"] {
                let outcome = try WorkerRun.outcome(
                    job, ranks: 2,
                    Self.arguments(["training.epochs=\(manifest.epoch + 2)", "run_directory=\(name)"]))
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            try expectSameEvents(folder.records(), folder.records("undisturbed"), nil, "continued")
            try expectSameWeights(folder.records(), folder.records("undisturbed"), nil, "continued")
        }

        /// One request is enough, whichever rank stands still; one of the others says what it waited for.
        @Test(arguments: [0, 1]) func aRankThatStandsStillIsNotWaitedForWithoutEnd(still: Int) throws {
            let folder = try TrainingFolder()
            // No checkpoint that the others might wait for.
            let (run, job) = try start(
                folder, ranks: 2, ["checkpoints.every_epochs=0", "checkpoints.every_steps=0"])
            try waitForSteps(3, folder)
            run.signal(SIGSTOP, rank: still)
            // The other one waits for it by then, and has not been asked to stop when they last agreed: else both may have
            // agreed to stop already, and it rightly waits for a checkpoint.
            usleep(500_000)
            run.signal(SIGTERM, rank: 1 - still)
            let outcome = try run.wait(atMost: 90)
            #expect(outcome.status == 128 + SIGTERM, "\(outcome.errors)")
            #expect(outcome.errors.count == 1, "\(outcome.errors)")
            let message = try #require(outcome.errors.first)
            #expect(
                message.wholeMatch(
                    of:
                        #/mio: rank ([01]): (?:the validation after )?step [0-9]+ did not go on within 20 s after the request to stop: (.+); see whether one of them stands still\. Ended without a checkpoint of the last steps; run again to continue from the newest checkpoint/#
                ).map { ["\($0.1)", "\($0.2)"] } == ["\(1 - still)", "it waited for the other ranks"],
                "\(message)")
            try run.waitUntilGone()
            // The launcher wakes the rank that stood still before it ends it: that one may write a checkpoint yet. With one or
            // without, the run continues as if it had not been stopped.
            let epochs = (try folder.records().newestCheckpoint()?.manifest.epoch ?? 0) + 2
            for name in ["run", "undisturbed"] {
                let continued = try WorkerRun.outcome(
                    job, ranks: 2, Self.arguments(["training.epochs=\(epochs)", "run_directory=\(name)"]))
                #expect(continued.status == 0, "\(continued.errors)")
            }
            try expectSameWeights(folder.records(), folder.records("undisturbed"), nil, "continued")
        }

        #if os(Linux)
            /// Nothing is lost before the first step: a start that waits for another rank, or for a file system, ends.
            @Test(arguments: [SIGTERM, SIGUSR1]) func aStartThatWaitsEndsAtOnce(signal: Int32) throws {
                let folder = try TrainingFolder()
                let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
                let run = try SpawnedProcess(
                    [
                        "mpirun", "-n", "2", "sh", "-c",
                        "test $OMPI_COMM_WORLD_RANK = 1 && exec sleep 600; echo $$ > \"$2\"; exec \"$0\" \"$1\"",
                        BuiltProgram.path("mio-worker"), job, folder.path("pid"),
                    ], environment: MPIEnvironment.variables)
                var identifier: Int32 = 0
                try waitUntil("the worker listens to signals") {
                    guard let data = FileManager.default.contents(atPath: folder.path("pid")),
                        let number = Int32(String(decoding: data, as: UTF8.self).trimming)
                    else { return false }
                    identifier = number
                    return try Self.catches(signal, number)
                }
                kill(identifier, signal)
                let outcome = try run.wait(atMost: 30)
                #expect(outcome.status == 75, "\(outcome.errors)")
                #expect(
                    MPIEnvironment.programErrors(outcome.errors) == [
                        "stopped before the end of the first step; run again to continue"
                    ])
                #expect(!FileManager.default.fileExists(atPath: folder.path("run/metrics.jsonl")))
            }

            /// Whether a process has a handler for a signal.
            private static func catches(_ signal: Int32, _ identifier: Int32) throws -> Bool {
                let status = try String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)
                let line = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
                let mask = line.flatMap { UInt64($0.dropFirst("SigCgt:".count).trimming, radix: 16) } ?? 0
                return mask >> (signal - 1) & 1 == 1
            }
        #endif

        /// A rank that stands still keeps the others from agreeing, as a lost machine would.
        @Test func aSecondSIGTERMEndsAtOnce() throws {
            let folder = try TrainingFolder()
            let (run, _) = try start(folder, ranks: 2)
            try waitForSteps(3, folder)
            run.signal(SIGSTOP, rank: 1)
            run.signal(SIGTERM, rank: 0)
            // At once, it is the same request: a batch system and mpirun may both pass it on.
            run.signal(SIGTERM, rank: 0)
            usleep(700_000)
            #expect(run.isRunning)
            run.signal(SIGTERM, rank: 0)
            let outcome = try run.wait(atMost: 30)
            #expect(outcome.status == 128 + SIGTERM, "\(outcome.errors)")
            try run.waitUntilGone()
        }
    }
}

extension StringProtocol {
    fileprivate var trimming: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
