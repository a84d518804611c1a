import Foundation
import MIOBase
import MIOData
import MIOGraph
import ProcessSupport
import Testing

extension EndToEndTests {
    /// Bad jobs and data end a run before any state is touched, with one message.
    @Suite struct BadInputTests {
        /// Each rank finds one; one is told.
        @Test func ofManyBadLabelsTheFirstIsTold() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let outcome = try WorkerRun.outcome(
                job, ranks: 3, ["--set", "model.layers[2].units=2", "--resume", "never"])
            #expect(outcome.status == 65)
            #expect(outcome.messages.count == 1)
            #expect(outcome.errors.count == 1, "\(outcome.errors)")
            #expect(outcome.errors.first?.hasPrefix("mio: data.train: output \"kind\": ") == true)
        }

        /// Read by the system when it is touched, which a signal tells.
        @Test(arguments: 1...2) func aShardThatBecomesShorterIsNamed(ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 200])
            let run = try WorkerRun(
                job, ranks: ranks,
                ["--set", "training.epochs=100000000", "--set", "checkpoints.every_steps=1"])
            try waitUntil("the first checkpoint") { try !folder.records().checkpointSteps().isEmpty }
            #expect(truncate(folder.path("train-1.npz"), 1000) == 0)
            let outcome = try run.wait()
            #expect([65, 74].contains(outcome.status), "\(outcome.errors)")
            #expect(outcome.messages.contains { $0.contains("train-1.npz") }, "\(outcome.errors)")
        }

        /// Expects a run to be refused, and an earlier run's files to be as they were.
        /// - Parameters:
        ///   - message: without `mio: `; FOLDER stands for the job's folder.
        ///   - spoil: makes the job or its data bad.
        private func expectRefused(
            _ message: String, status: Int32 = 65, _ overrides: [String] = [],
            spoil: (TrainingFolder) throws -> Void = { _ in },
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [7, 12])
            let earlier = try WorkerRun.outcome(job, ranks: 1, launch: .alone)
            #expect(earlier.status == 0, "\(earlier.errors)", sourceLocation: sourceLocation)
            let content = try folder.content("run").filter { $0.key != ".lock" }
            try spoil(folder)
            let arguments = overrides.flatMap { ["--set", $0] }
            for (ranks, launch) in [(1, WorkerRun.Launch.alone), (2, .mpirun)] {
                let outcome = try WorkerRun.outcome(job, ranks: ranks, arguments, launch: launch)
                #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
                let expected = "mio: " + message.replacing("FOLDER", with: folder.path)
                #expect(outcome.errors == [expected], sourceLocation: sourceLocation)
            }
            #expect(
                try folder.content("run").filter { $0.key != ".lock" } == content,
                sourceLocation: sourceLocation)
        }

        private func edit(_ old: String, _ new: String) -> (TrainingFolder) throws -> Void {
            { folder in
                let text = String(decoding: try folder.read("job.yaml"), as: UTF8.self)
                #expect(text.contains(old))
                try folder.write(text.replacing(old, with: new))
            }
        }

        /// Changes the first place in a shard where `old` stands; both are as long.
        private func patch(_ old: String, _ new: String) -> (TrainingFolder) throws -> Void {
            { folder in
                let bytes = try folder.read("train-1.npz")
                #expect(old.utf8.count == new.utf8.count)
                let range = try #require(bytes.firstRange(of: Array(old.utf8)))
                try folder.replace(
                    "train-1.npz", with: bytes[..<range.lowerBound] + new.utf8 + bytes[range.upperBound...])
            }
        }

        // MARK: Jobs

        @Test func unknownKey() throws {
            try expectRefused(
                "FOLDER/job.yaml:19: training.batch_sise: unknown key; did you mean \"batch_size\"? Valid keys here: "
                    + "accumulate, batch_size, epochs, loss_spikes, micro_batch, non_finite, non_finite_limit, "
                    + "precision, replica_check, reproducible, shuffle, threads, time_limit, virtual_shards",
                spoil: edit("batch_size: 8", "batch_sise: 8"))
        }

        @Test func unknownLayer() throws {
            try expectRefused(
                "FOLDER/job.yaml:7: model.layers[1].class: unknown name \"Dropuot\"; did you mean \"Dropout\"? Valid "
                    + "names: "
                    + listed(LayerRegistry.classNames + LayerRegistry.modelClassNames),
                spoil: edit("class: Dropout", "class: Dropuot"))
        }

        @Test func cycle() throws {
            try expectRefused(
                "FOLDER/job.yaml:6: model.layers[0].inputs: the layers form a cycle: class_hidden → dropped → "
                    + "class_hidden; a layer cannot depend on its own result",
                spoil: edit("inputs: input, units: 32", "inputs: dropped, units: 32"))
        }

        @Test func unknownOutput() throws {
            try expectRefused(
                "FOLDER/job.yaml:13: outputs.kidn: unknown name \"kidn\"; did you mean \"kind\"? Valid names: kind, box",
                spoil: edit("  kind: {loss", "  kidn: {loss"))
        }

        // MARK: Data

        @Test func wrongShape() throws {
            try expectRefused(
                "FOLDER/train-0.npz: array \"input\": samples of shape (100,), (99,) expected",
                spoil: edit("input: {shape: [100]}", "input: {shape: [99]}"))
        }

        @Test func missingArray() throws {
            try expectRefused(
                "FOLDER/train-1.npz: no array \"kind\"; it holds input, box. Another name is given by "
                    + "data.train.columns: {kind: NAME}; with data.train.missing_targets: unlabelled its samples "
                    + "have no label"
            ) { folder in
                var maker = SampleMaker(firstRow: 0)
                try NpzWriter.write(
                    [("input", maker.uniform([12, 100])), ("box", maker.uniform([12, 4], 0))],
                    to: folder.path("train-1.npz"))
            }
        }

        @Test func missingTarget() throws {
            try expectRefused(
                "FOLDER/train-0.npz: no array \"boxes\"; it holds input, kind, box, box_weight. "
                    + "data.train.columns.box names it; with data.train.missing_targets: unlabelled its samples "
                    + "have no label", ["data.train.columns={box: boxes}"])
        }

        @Test func wrongElementType() throws {
            try expectRefused(
                "FOLDER/train-1.npz: array \"input\": elements are texts (dtype \"|S4\"); expected bool, integers of 8 "
                    + "to 64 bits or floats of 16 to 64 bits: convert them, or write their classes, for an "
                    + "output outputs.NAME.classes, for an input data.classes",
                spoil: patch("'descr': '<f4'", "'descr': '|S4'"))
        }

        @Test func truncatedArchive() throws {
            try expectRefused(
                "FOLDER/train-1.npz: the zip directory that ends an .npz file is missing: the file is cut short after "
                    + "5302 bytes; copy or write it again"
            ) {
                try $0.replace("train-1.npz", with: try $0.read("train-1.npz").dropLast(700))
            }
        }

        @Test func aHeaderThatLiesAboutItsSize() throws {
            try expectRefused(
                "FOLDER/train-1.npz: array \"input\": the header claims shape (99, 100) of f4, 39600 bytes, but only "
                    + "4800 follow: the file is cut short or its header lies",
                spoil: patch("(12, 100)", "(99, 100)"))
        }

        @Test func aHeaderThatClaimsMoreThanAnyMemory() throws {
            try expectRefused(
                "FOLDER/train-1.npz: array \"input\": the header claims shape (9000000000000000, 9000), more than any "
                    + "memory", spoil: patch("(12, 100), }               ", "(9000000000000000, 9000)}  "))
        }

        @Test func labelOutOfRange() throws {
            try expectRefused(
                "data.train: output \"kind\": 1 invalid label, the first in FOLDER/train-1.npz, row 3: target at "
                    + "position 0 is 10.0; expected a class index, a whole number from 0 to 9, or the missing "
                    + "label; correct the data, or set outputs.kind.missing_label"
            ) { folder in
                let file = try NpzFile(path: folder.path("train-1.npz"))
                let arrays = try file.arrayNames.map { name in
                    let array = try #require(try file.array(named: name, scratch: ScratchStore()))
                    var values = array.values()
                    if name == "kind" { values[3] = 10 }
                    return (name: name, tensor: Tensor(shape: array.shape, values: values))
                }
                try NpzWriter.write(arrays, to: folder.path("train-1.npz"))
            }
        }

        @Test func emptyFile() throws {
            try expectRefused("FOLDER/train-1.npz: the file is empty (0 bytes)") {
                try $0.replace("train-1.npz", with: [])
            }
        }

        @Test func notAnArchive() throws {
            try expectRefused("FOLDER/train-1.npz: not a zip archive, which an .npz file is") {
                try $0.write("garments", to: "train-1.npz")
            }
        }

        @Test func aGlobWithoutAMatch() throws {
            try expectRefused(
                "trian-*.npz: no file in FOLDER matches this glob; correct data.train.files or make the shards "
                    + "first",
                status: 66, ["data.train.files=trian-*.npz"])
        }

        @Test func noJob() throws {
            try expectRefused(
                "FOLDER/job.yaml: no such file; name a job file, or make job.yaml here", status: 66
            ) {
                try FileManager.default.removeItem(atPath: $0.path("job.yaml"))
            }
        }
    }
}
