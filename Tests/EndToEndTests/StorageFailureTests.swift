import Foundation
import ProcessSupport
import Testing

extension EndToEndTests {
    /// Disks that are full or may not be written to: exit code 74, and nothing lost.
    @Suite struct StorageFailureTests {
        private static var mounts: Bool { MountNamespace.works }
        /// A mount that only the processes it wraps see, and that ends with them.
        private static var namespace: [String] { MountNamespace.wrapper ?? [] }

        /// Runs the launcher with the run directory on a small disk of its own, which is copied back after.
        private func onSmallDisk(_ folder: TrainingFolder, kilobytes: Int) -> [String] {
            let run = "'\(folder.path("run"))'"
            let script =
                "mkdir -p \(run) && cp -a \(run) \(run)-before && "
                + "mount -t tmpfs -o size=\(kilobytes)k tmpfs \(run) && cp -a \(run)-before/. \(run)/ && "
                + "\"$@\"; code=$?; mkdir \(run)-after && cp -a \(run)/. \(run)-after/; exit $code"
            return Self.namespace + ["sh", "-c", script, "sh"]
        }

        /// Where mounting is not allowed, a limit on the size of files stands for the disk's.
        @Test func aFullDiskKeepsWhatThereIs() throws {
            try expectKept { folder, job, before in
                guard Self.mounts else { return try self.withLimitedFiles(folder, job) }
                // The disk takes the run so far, a checkpoint of 96 kB and a finished model; then what stays fills it.
                let size = before.values.map { ($0.count + 4095) / 4096 * 4 }.reduce(0, +)
                let outcome = try WorkerRun.outcome(
                    job, ranks: 2, ["--set", "training.epochs=1000", "--set", "checkpoints.keep=1000000"],
                    wrapper: self.onSmallDisk(folder, kilobytes: size + 420))
                try FileManager.default.removeItem(atPath: folder.path("run"))
                try FileManager.default.moveItem(
                    atPath: folder.path("run-after"), toPath: folder.path("run"))
                return outcome
            }
        }

        /// `ulimit -f`: the signal that comes with it must not end the run without a word.
        @Test func aLimitOnTheSizeOfFilesKeepsWhatThereIs() throws {
            try expectKept { folder, job, _ in try self.withLimitedFiles(folder, job) }
        }

        /// The limit comes once the run goes: MPI's own files, at its start, are larger than a checkpoint's.
        private func withLimitedFiles(_ folder: TrainingFolder, _ job: String) throws -> WorkerRun.Outcome {
            let steps = try folder.records().steps().count
            let run = try WorkerRun(
                job, ranks: 2,
                ["--set", "training.epochs=1000000", "--set", "checkpoints.keep=1000000"])
            try waitUntil("a step") { try folder.records().steps().count > steps }
            try run.limitFiles(to: 24 * 1024, rank: 0)
            return try run.wait()
        }

        /// - Parameter fail: goes on with a run of one epoch, whose files it is given, until they cannot be written.
        private func expectKept(
            _ fail: (TrainingFolder, _ job: String, _ before: [String: Data]) throws -> WorkerRun.Outcome
        ) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let first = try WorkerRun.outcome(job, ranks: 2, ["--set", "training.epochs=1"])
            #expect(first.status == 0, "\(first.errors)")
            let before = try folder.content("run")
            let outcome = try fail(folder, job, before)
            #expect(outcome.status == 74, "\(outcome.errors)")
            #expect(outcome.messages.count == 1)
            let message = try #require(outcome.messages.first)
            #expect(message.hasPrefix("mio: "))
            #expect(message.contains("cannot write \(folder.path("run"))/"), "\(message)")
            let after = try folder.content("run")
            for (file, data) in before where file.hasPrefix("checkpoints/") || file == "model.safetensors" {
                #expect(after[file] == data, "\(file)")
            }
            let metrics = try #require(before["metrics.jsonl"])
            #expect(after["metrics.jsonl"]?.starts(with: metrics) == true)
            // With room again the run goes on, to the end of one that was never in need.
            let epochs = try folder.records().steps().count / 4 + 3
            for name in ["run", "undisturbed"] {
                let outcome = try WorkerRun.outcome(
                    job, ranks: 2,
                    ["--set", "training.epochs=\(epochs)", "--set", "run_directory=\(name)"])
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            try expectSameEvents(folder.records(), folder.records("undisturbed"), nil, "after a full disk")
            try expectSameWeights(folder.records(), folder.records("undisturbed"), nil, "after a full disk")
        }

        @Test func noPermissionToWrite() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [5])
            // Root may write anywhere but to what is mounted read-only, or where the kernel makes the files.
            let parent = try TrainingFolder("parent", in: folder)
            var (path, wrapper) = (parent.path, [String]())
            if Self.mounts {
                wrapper =
                    Self.namespace
                    + ["sh", "-c", "mount -t tmpfs -o ro tmpfs '\(parent.path)' && exec \"$@\"", "sh"]
            } else if geteuid() == 0 {
                path = "/proc/sys"
            } else {
                wrapper = [
                    "sh", "-c",
                    "chmod a-w '\(parent.path)'; \"$@\"; code=$?; chmod u+w '\(parent.path)'; exit $code",
                    "sh",
                ]
            }
            let outcome = try WorkerRun.outcome(
                job, ranks: 2, ["--set", "run_directory=\(path)/run"], wrapper: wrapper)
            #expect(outcome.status == 74, "\(outcome.errors)")
            #expect(outcome.errors.count == 1)
            #expect(
                outcome.errors.first?.hasPrefix("mio: cannot create the folder \(path)/run: ")
                    == true,
                "\(outcome.errors)")
        }

        /// What is written into a folder that is gone is gone too: no success, and no new folder in its place.
        @Test(arguments: [1, 2]) func aRunDirectoryThatVanishes(ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let run = try WorkerRun(
                job, ranks: ranks, ["--set", "training.epochs=1000000", "--set", "checkpoints.every_steps=0"])
            try waitUntil("a step") { try folder.records().steps().count > 0 }
            try FileManager.default.moveItem(atPath: folder.path("run"), toPath: folder.path("moved"))
            let outcome = try run.wait()
            #expect(outcome.status == 74, "\(outcome.errors)")
            #expect(outcome.messages.count == 1)
            #expect(
                outcome.messages.first?.contains(
                    "cannot write to the run directory \(folder.path("run")): it was removed or moved")
                    == true,
                "\(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
        }

        /// A run that would write nothing more than its end.
        @Test func aRunDirectoryThatVanishesBeforeTheEnd() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let run = try WorkerRun(
                job, ranks: 1,
                ["--set", "training.epochs=1000000", "--set", "checkpoints.every_steps=0"]
                    + ["--set", "checkpoints.every_epochs=0"])
            try waitUntil("a step") { try folder.records().steps().count > 0 }
            try FileManager.default.removeItem(atPath: folder.path("run"))
            run.signal(SIGUSR1, rank: 0)
            let outcome = try run.wait()
            #expect(outcome.status == 74, "\(outcome.errors)")
            #expect(!outcome.errors.contains { $0.contains("run again to continue") })
        }

        /// OpenBLAS' threads must not keep a process that has no memory for them from ending. Kilobytes.
        @Test(arguments: ["-v 200000", "-v 292968", "-v 400000", "-n 24", "-n 12"])
        func anEndUnderATightLimit(
            limit: String
        ) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            // How much the libraries want before anything of ours runs is different on each system: what cannot say its
            // version under the limit must end so whatever it is asked.
            var cannotLoad = false
            for arguments in [["--version"], [], ["--foo"], ["--set", "seed=many"]] {
                let run = try SpawnedProcess(
                    [
                        "sh", "-c", "ulimit \(limit) && exec \"$0\" \"$@\"", BuiltProgram.path("mio-worker"),
                        job,
                    ]
                        + arguments)
                let outcome = try run.wait(atMost: 60)
                let codes: [Int32] =
                    switch arguments {
                    case ["--version"]: [0, 74]
                    case ["--foo"]: [64]
                    case []: [0, 74]
                    default: [65]
                    }
                // The libraries may not even be mapped: that says the system's loader, before any code of a program.
                let isUnmapped =
                    outcome.status == 127
                    && outcome.errors.contains(": error while loading shared libraries: ")
                let failedToLoad =
                    isUnmapped
                    || outcome.status == 74
                        && outcome.errors.hasPrefix("mio: the limit of memory (ulimit -v ")
                if arguments == ["--version"] {
                    cannotLoad = failedToLoad
                    #expect(failedToLoad || outcome.status == 0, "\(outcome.errors)")
                }
                #expect(cannotLoad ? failedToLoad : codes.contains(outcome.status), "\(outcome.errors)")
                #expect(
                    outcome.status == 0 || isUnmapped || outcome.errors.hasPrefix("mio: "),
                    "\(outcome.errors)")
            }
        }

        /// A thread for each processor, made before the program's own code, would not fit; a version of OpenBLAS waits for
        /// ever for memory that it needs for them.
        @Test(arguments: [nil, 8_000_000] as [Int?])
        func openBLASStartsNoThreadsOfItsOwnUnderALimit(kilobytes: Int?) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let run = try SpawnedProcess([
                "sh", "-c", "ulimit -v \(kilobytes.map(String.init) ?? "unlimited") && exec \"$@\"", "sh",
                BuiltProgram.path("mio-worker"), job, "--set", "training.epochs=1000000",
            ])
            try waitUntil("a step") { try folder.records().steps().count > 0 }
            let process = "/proc/\(run.processIdentifier)"
            let name = try String(contentsOfFile: process + "/comm", encoding: .utf8)
            let environment = try String(contentsOfFile: process + "/environ", encoding: .utf8)
            run.signal(SIGUSR1)
            #expect(try run.wait(atMost: 60).status == 75)
            #expect(name == "mio-worker\n")
            let variables = environment.split(separator: "\0")
            #expect(variables.contains("OPENBLAS_NUM_THREADS=1") == (kilobytes != nil))
        }

        @Test func aRunDirectoryThatAnotherRunHolds() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let run = try WorkerRun(job, ranks: 2, ["--set", "training.epochs=1000000"])
            try waitUntil("a step") { try folder.records().steps().count > 0 }
            let second = try WorkerRun.outcome(job, ranks: 2)
            #expect(second.status == 74)
            #expect(second.errors.count == 1)
            #expect(
                second.errors.first?.hasPrefix(
                    "mio: cannot use the run directory \(folder.path("run")): another run holds it: process "
                )
                    == true, "\(second.errors)")
            run.signal(SIGUSR1, rank: 0)
            #expect(try run.wait().status == 75)
        }
    }
}
