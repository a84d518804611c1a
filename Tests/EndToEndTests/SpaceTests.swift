import Foundation
import ProcessSupport
import Testing

extension EndToEndTests {
    /// Whether there is room is known before the first step.
    @Suite struct SpaceTests {
        private let folder: TrainingFolder
        private let job: String
        /// Where the disk is.
        private let disk: TrainingFolder

        init() throws {
            folder = try TrainingFolder()
            job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            disk = try TrainingFolder("disk", in: folder)
        }

        private func options(_ more: String...) -> [String] {
            (["run_directory=\(disk.path)/run"] + more).flatMap { ["--set", $0] }
        }

        private func check(_ options: [String], kilobytes: Int) throws -> SpawnedProcess.Outcome {
            try SpawnedProcess(
                MountNamespace.smallDisk(at: disk.path, kilobytes: kilobytes)
                    + [BuiltProgram.path("mio"), "check", job] + options
            ).wait(atMost: 60)
        }

        /// A checkpoint of this model has some 96 kB, and the finished model half as much again.
        @Test func aDiskThatIsTooSmallIsRefusedBeforeAnythingIsTouched() throws {
            let listing = folder.path("listing")
            let wrapper = try MountNamespace.smallDisk(
                at: disk.path, kilobytes: 160, after: "find '\(disk.path)' -mindepth 1 > '\(listing)'")
            let outcome = try WorkerRun.outcome(job, ranks: 2, options(), wrapper: wrapper)
            #expect(outcome.status == 74, "\(outcome.errors)")
            #expect(outcome.errors.count == 1, "\(outcome.errors)")
            let message = try #require(outcome.messages.first)
            #expect(
                message.hasPrefix(
                    "mio: cannot write checkpoints to \(disk.path)/run: No space left on device: a checkpoint takes about "
                ),
                "\(message)")
            #expect(message.contains("and 160.0 KiB are free; nothing was written"), "\(message)")
            #expect(try String(contentsOfFile: listing, encoding: .utf8) == "", "nothing was touched")
            // The check refuses what the training refuses, with the same words.
            let check = try check(options(), kilobytes: 160)
            #expect(check.status == 74, "\(check.output)")
            #expect(check.output.contains(message.dropFirst("mio: ".count)), "\(check.output)")
        }

        @Test func aDiskThatIsTooSmallForAllThatStayIsAWarning() throws {
            let keep = "checkpoints.keep={last: 100, every_steps: 100}"
            let wrapper = try MountNamespace.smallDisk(at: disk.path, kilobytes: 2000)
            let options = options(keep, "training.epochs=50")
            let outcome = try WorkerRun.outcome(
                job, ranks: 1,
                options + ["--set", "checkpoints.every_steps=0"] + ["--set", "checkpoints.every_epochs=10"],
                wrapper: wrapper)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(!outcome.errors.contains { $0.hasPrefix("warning: run_directory") }, "\(outcome.errors)")
            let check = try check(options, kilobytes: 2000)
            #expect(check.status == 0, "\(check.output)")
            let warning =
                "run_directory \(disk.path)/run: the 102 checkpoints that stay (checkpoints.keep), one more while it is "
                + "written and the finished model take up to "
            #expect(check.output.contains(warning), "\(check.output)")
            #expect(check.output.contains("and 2.0 MiB are free; lower checkpoints.keep"), "\(check.output)")
            let warned = try WorkerRun.outcome(
                job, ranks: 2,
                self.options("checkpoints.keep={last: 30, every_steps: 100}", "training.epochs=50"),
                wrapper: MountNamespace.smallDisk(at: disk.path, kilobytes: 2000))
            #expect(
                warned.errors.contains { $0.hasPrefix("warning: run_directory \(disk.path)/run: the 32 ") })
        }

        /// A run that has all its checkpoints replaces them, and needs no room for more.
        @Test(arguments: [("auto", 0), ("never", 0), ("auto", 74)]) func aRunThatGoesOnNeedsLess(
            resume: String, status: Int32
        ) throws {
            let keep = ["--set", "checkpoints.keep=2"]
            let first = try WorkerRun.outcome(job, ranks: 1, keep)
            #expect(first.status == 0, "\(first.errors)")
            let size = try folder.content("run").values.map { ($0.count + 4095) / 4096 * 4 }.reduce(0, +)
            // Enough for a checkpoint and a model after each other, not beside each other; or for neither.
            let wrapper = try MountNamespace.smallDisk(
                at: disk.path, kilobytes: size + (status == 0 ? 240 : 60),
                before: "cp -a '\(folder.path("run"))' '\(disk.path)/run'")
            let outcome = try WorkerRun.outcome(
                job, ranks: 1, options("training.epochs=4") + keep + ["--resume", resume], wrapper: wrapper)
            #expect(outcome.status == status, "\(outcome.errors)")
            if resume == "auto", status == 0 {
                #expect(outcome.errors.contains { $0.hasPrefix("continuing from") }, "\(outcome.errors)")
            }
        }
    }
}
