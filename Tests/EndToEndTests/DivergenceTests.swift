import Foundation
import MIOBase
import MIOData
import ProcessSupport
import Testing

extension EndToEndTests {
    /// Losses and gradients that are not finite: policies `halt` and `skip`.
    @Suite struct DivergenceTests {
        /// 29 samples, of which one in the second shard has an input that is no number.
        private func prepare(_ folder: TrainingFolder) throws -> String {
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            try folder.spoil("train-1.npz", row: 5)
            return job
        }

        private static let advice = "; correct the data, or leave such samples out"

        private func check(_ job: String, _ arguments: [String] = []) throws -> SpawnedProcess.Outcome {
            try SpawnedProcess([try BuiltProgram.path("mio"), "check", job] + arguments).wait(atMost: 60)
        }

        /// A check and a training refuse the same data with the same words; an evaluation too.
        @Test(arguments: 1...3) func validationIsRefusedAtTheStart(ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            try folder.spoil("validation.npz", row: 3)
            let words =
                "data.validation: input \"input\": 1 value is NaN or infinite, the first in "
                + "\(folder.path("validation.npz")), row 3: element [42] is nan" + Self.advice
            let outcome = try WorkerRun.outcome(job, ranks: ranks)
            #expect(outcome.status == 65, "\(outcome.errors)")
            #expect(outcome.messages == ["mio: " + words])
            let checked = try check(job)
            #expect(checked.status == 65)
            #expect(checked.output.contains("error: \(words)\n"), "\(checked.output)")
            let trained = try WorkerRun.outcome(job, ranks: ranks, ["--set", "data.validation=null"])
            #expect(trained.status == 0, "\(trained.errors)")
            let evaluated = try SpawnedProcess([try BuiltProgram.path("mio"), "evaluate", job]).wait(
                atMost: 60)
            #expect(evaluated.status == 65)
            #expect(evaluated.errors.contains("mio: \(words)"), "\(evaluated.errors)")
        }

        /// Weights that are not finite are no fault of a sample.
        @Test func evaluationOfDivergedWeightsNamesThem() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try WorkerRun.outcome(job, ranks: 1).status == 0)
            let path = "run/model.safetensors"
            try folder.replace(path, with: try folder.read(path).dropLast(4) + [0, 0, 0xC0, 0x7F])
            let evaluated = try SpawnedProcess([try BuiltProgram.path("mio"), "evaluate", job]).wait(
                atMost: 60)
            #expect(evaluated.status == 0)
            #expect(
                evaluated.errors.contains(
                    ", whose inputs and targets are finite: the weights may have diverged\n"),
                "\(evaluated.errors)")
        }

        /// Where such batches are left out, the run goes on; whose fault it is it says once an epoch.
        @Test(arguments: 1...2) func validationNamesShardAndRow(ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            try folder.spoil("validation.npz", row: 3)
            let outcome = try WorkerRun.outcome(job, ranks: ranks, ["--set", "training.non_finite=skip"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let pattern =
                #/warning: validation: input "input" is not finite on rank [01], first for (.*), row 3; correct that sample, or leave it out/#
            #expect(outcome.errors.count == 3, "\(outcome.errors)")
            #expect(
                outcome.errors.first?.hasPrefix("warning: data.validation: input \"input\": 1 value") == true)
            // No batch of a validation is left out.
            #expect(
                outcome.errors.first?.hasSuffix("element [42] is nan; losses over it are NaN") == true,
                "\(outcome.errors)")
            let checked = try check(job, ["--set", "training.non_finite=skip", "--resume", "never"])
            #expect(
                checked.output.contains("element [42] is nan; losses over it are NaN\n"), "\(checked.output)")
            for line in outcome.errors.dropFirst() {
                #expect(
                    try pattern.wholeMatch(in: line)?.1 == Substring(folder.path("validation.npz")), "\(line)"
                )
            }
        }

        /// Behind a sigmoid an infinite input has a finite loss: its sums are none all the same.
        @Test func validationNamesInputsThatAreNotFinite() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            try folder.spoil("validation.npz", row: 3, with: .infinity)
            let outcome = try WorkerRun.outcome(
                job, ranks: 2,
                [
                    "--set", "model.layers[0].activation=sigmoid", "--set",
                    "model.layers[3].activation=sigmoid", "--set", "training.epochs=1", "--set",
                    "training.non_finite=skip",
                ])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.count == 2, "\(outcome.errors)")
            #expect(outcome.errors.first?.contains("element [42] is inf") == true, "\(outcome.errors)")
            #expect(
                outcome.errors.last?.hasPrefix("warning: validation: input \"input\" is not finite on rank ")
                    == true, "\(outcome.errors)")
            #expect(outcome.errors.last?.contains("validation.npz, row 3;") == true, "\(outcome.errors)")
        }

        @Test(arguments: 1...3) func haltRefusesInputsAtTheStart(ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder)
            let outcome = try WorkerRun.outcome(job, ranks: ranks)
            #expect(outcome.status == 65, "\(outcome.errors)")
            let words =
                "data.train: input \"input\": 1 value is NaN or infinite, the first in \(folder.path("train-1.npz")), row "
                + "5: element [42] is nan" + Self.advice
            #expect(outcome.errors == ["mio: " + words])
            #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
            let checked = try check(job)
            #expect(checked.status == 65)
            #expect(checked.output.contains("error: \(words)\n"), "\(checked.output)")
        }

        @Test func skipGoesOnAndCounts() throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder)
            let arguments = [
                "--set", "training.non_finite=skip", "--set", "training.epochs=3", "--set",
                "data.validation=null",
            ]
            let outcome = try WorkerRun.outcome(job, ranks: 2, arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            // At the start, and once an epoch.
            #expect(outcome.errors.count == 4)
            #expect(
                outcome.errors.first?.hasSuffix(
                    "row 5: element [42] is nan (training.non_finite: skip leaves such batches out)") == true,
                "\(outcome.errors)")
            #expect(
                outcome.errors.dropFirst().allSatisfy {
                    $0.hasPrefix("warning: step ") && $0.hasSuffix("; the step is skipped")
                        && $0.contains("train-1.npz, row 5")
                }, "\(outcome.errors)")
            let events = try folder.records().events()
            #expect(events.filter { $0.event == "non_finite" }.count == 3)
            #expect(events.filter { $0.event == "step" }.count == 9)
            #expect(events.last?.step == 12)
            #expect(try folder.records().weights().values.allSatisfy { $0.allSatisfy(\.isFinite) })
        }

        /// Batches of 20 and 9 are 8 shards of 2 or 3 and of 1 or 2: convolutions are made ready for these counts only.
        @Test(arguments: 1...2) func strictRunsTellToo(ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.imageAndMetadata.prepare(in: folder, shards: [29])
            let outcome = try WorkerRun.outcome(
                job, ranks: ranks,
                [
                    "--set", "training.reproducible=strict", "--set", "training.batch_size=20", "--set",
                    "optimizer={class: SGD, learning_rate: 1.0e+38}",
                ])
            #expect(outcome.status == 76, "\(outcome.errors)")
            #expect(outcome.messages.count == 1)
            #expect(outcome.messages.first?.hasPrefix("mio: step 2: ") == true)
        }

        /// The same counts, of a prediction.
        @Test func strictRunsPredict() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.imageAndMetadata.prepare(in: folder, shards: [29])
            let strict = ["--set", "training.reproducible=strict", "--set", "training.batch_size=20"]
            let trained = try WorkerRun.outcome(job, ranks: 1, strict, launch: .alone)
            #expect(trained.status == 0, "\(trained.errors)")
            let path = folder.path("predictions.npz")
            let outcome = try SpawnedProcess(
                [try BuiltProgram.path("mio"), "predict", job, "--data", "train", "--output", path] + strict
            ).wait(atMost: 60)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(FileManager.default.fileExists(atPath: path))
        }

        @Test func aLearningRateThatExplodes() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let outcome = try WorkerRun.outcome(
                job, ranks: 2,
                [
                    "--set", "optimizer={class: SGD, learning_rate: 1.0e+38}", "--set",
                    "outputs.box.loss=mean_squared_error", "--set", "model.layers[4].activation=linear",
                ])
            #expect(outcome.status == 76, "\(outcome.errors)")
            #expect(outcome.messages.count == 1)
            #expect(outcome.messages.first?.hasPrefix("mio: step 2: the loss of output \"") == true)
        }
    }
}
