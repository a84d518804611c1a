import Foundation
import MIOFiles
import MIORun
import Testing

extension EndToEndTests {
    /// Checkpoints that cannot be continued from: never silently a start from nothing.
    @Suite struct CheckpointDamageTests {
        /// A run of two epochs, 8 steps, with checkpoints of the steps 4, 6 and 8.
        private func train(_ folder: TrainingFolder) throws -> String {
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let outcome = try WorkerRun.outcome(job, ranks: 2)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try folder.records().checkpointSteps() == [8, 6, 4])
            return job
        }

        private func name(_ step: Int, _ file: String) -> String {
            "run/checkpoints/\(RunRecords.checkpointName(step))/\(file)"
        }

        private func flip(_ file: String, at position: Double, _ folder: TrainingFolder) throws {
            var bytes = try folder.read(file)
            bytes[Int(Double(bytes.count) * position)] ^= 0x10
            try folder.replace(file, with: bytes)
        }

        private func expectRefused(
            _ job: String, _ folder: TrainingFolder, _ overrides: [String] = [], messages: [String],
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let content = try folder.content("run").filter { $0.key != ".lock" }
            let outcome = try WorkerRun.outcome(job, ranks: 2, overrides.flatMap { ["--set", $0] })
            #expect(outcome.status == 65, "\(outcome.errors)", sourceLocation: sourceLocation)
            #expect(
                outcome.errors.map { $0.replacing(/\b[0-9a-f]{8}(?=,|$)/, with: "NUMBER") }
                    == messages.map { $0.replacing("FOLDER", with: folder.path) },
                sourceLocation: sourceLocation)
            #expect(
                try folder.content("run").filter { $0.key != ".lock" } == content,
                sourceLocation: sourceLocation)
        }

        @Test(arguments: ["weights.safetensors", "optimizer.safetensors", "manifest.json"])
        func aFlippedBitFallsBackToTheOneBefore(file: String) throws {
            let folder = try TrainingFolder()
            let job = try train(folder)
            let (weights, events) = (try folder.records().weights(), try folder.records().events())
            try flip(name(8, file), at: 0.7, folder)
            let outcome = try WorkerRun.outcome(job, ranks: 2)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let path = folder.path + "/run/checkpoints/"
            #expect(outcome.errors.count == 2)
            #expect(
                outcome.errors.first?.hasPrefix("warning: passed over \(path)step-000000008: \(file)")
                    == true,
                "\(outcome.errors)")
            #expect(outcome.errors.first?.hasSuffix(", and took \(path)step-000000006") == true)
            #expect(outcome.errors.last == "continuing from \(path)step-000000006")
            // The two steps were done again, to the same end.
            #expect(try folder.records().weights() == weights)
            #expect(try folder.records().events() == events)
        }

        @Test func allDamagedIsNoReasonToStartOver() throws {
            let folder = try TrainingFolder()
            let job = try train(folder)
            for step in [4, 6, 8] { try flip(name(step, "weights.safetensors"), at: 0.5, folder) }
            try expectRefused(
                job, folder,
                messages: [
                    "mio: FOLDER/run/checkpoints: none of the 3 checkpoints can be continued from "
                        + "(newest step-000000008); start over with --resume never:"
                ]
                    + [8, 6, 4].map {
                        "  FOLDER/run/checkpoints/step-00000000\($0): weights.safetensors was changed: "
                            + "expected the CRC-32 NUMBER, its content has NUMBER"
                    })
        }

        @Test func ofAnotherModel() throws {
            let folder = try TrainingFolder()
            let job = try train(folder)
            try expectRefused(
                job, folder, ["model.layers[0].units=31"],
                messages: [
                    "mio: FOLDER/run/checkpoints/step-000000008: the checkpoint is of another model: "
                        + "weight 0: expected \"class_hidden/kernel\" of shape (100, 31), received "
                        + "\"class_hidden/kernel\" of shape (100, 32); restore the model it was made with, "
                        + "choose another run_directory, or start over with --resume never"
                ])
        }

        @Test func ofAnotherOptimizer() throws {
            let folder = try TrainingFolder()
            let job = try train(folder)
            try expectRefused(
                job, folder, ["optimizer={class: Adam}"],
                messages: [
                    "mio: FOLDER/run/checkpoints/step-000000008: its optimizer state (momentum) does not fit "
                        + "Adam (m, v); train with the optimizer and the arguments that wrote it, or start over "
                        + "with --resume never"
                ])
        }

        @Test(arguments: [
            ("seed=8", "seed 7, the job has 8"),
            ("training.shuffle=false", "training.shuffle true, the job has false"),
            ("data.train.files=train-0.npz", "samples of training data: 29, the job has 17"),
        ]) func ofAnotherOrderOfSamples(override: String, difference: String) throws {
            let folder = try TrainingFolder()
            let job = try train(folder)
            try expectRefused(
                job, folder, [override],
                messages: [
                    "mio: FOLDER/run/checkpoints/step-000000008: was written with \(difference); set "
                        + "it back, or start over with --resume never"
                ])
        }

        @Test func ofANewerVersion() throws {
            let folder = try TrainingFolder()
            let job = try train(folder)
            let file = name(8, "manifest.json")
            var text = String(decoding: try folder.read(file), as: UTF8.self)
            text = text.replacing("\"format_version\": 1", with: "\"format_version\": 4")
            // The checksum is that of the text with zeros in its place.
            let start = text.index(text.startIndex, offsetBy: "{\n  \"checksum\": \"".count)
            let digits = start..<text.index(start, offsetBy: 8)
            text.replaceSubrange(digits, with: "00000000")
            let checksum = String(CRC32.of(Array(text.utf8)), radix: 16)
            text.replaceSubrange(
                digits, with: String(repeating: "0", count: 8 - checksum.count) + checksum)
            try folder.replace(file, with: Array(text.utf8))
            try expectRefused(
                job, folder,
                messages: [
                    "mio: FOLDER/run/checkpoints/step-000000008: written in checkpoint format 4 by mio "
                        + "\(mioVersion); this mio reads formats up to 3: upgrade mio"
                ])
        }
    }
}
