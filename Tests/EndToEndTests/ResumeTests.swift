import Foundation
import MIOFiles
import Testing

extension EndToEndTests {
    /// What a run continues from.
    @Suite struct ResumeTests {
        private func train(
            _ job: String, ranks: Int = 2, _ name: String, epochs: Int = 3, resume: String? = nil
        ) throws -> WorkerRun.Outcome {
            try WorkerRun.outcome(
                job, ranks: ranks,
                ["--set", "run_directory=\(name)", "--set", "training.epochs=\(epochs)"]
                    + (resume.map { ["--resume", $0] } ?? []))
        }

        /// Every checkpoint of a run, also those within an epoch, leads to the same end.
        @Test func everyCheckpointLeadsToTheSameBits() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let options = ["--set", "checkpoints.keep=100", "--set", "checkpoints.every_steps=1"]
            let whole = try WorkerRun.outcome(
                job, ranks: 2, options + ["--set", "run_directory=whole", "--set", "training.epochs=2"])
            #expect(whole.status == 0, "\(whole.errors)")
            let steps = try folder.records("whole").checkpointSteps()
            #expect(steps == [8, 7, 6, 5, 4, 3, 2, 1])
            for step in [7, 4, 2] {
                let path = folder.records("whole").checkpointsPath + "/" + RunRecords.checkpointName(step)
                let outcome = try train(job, "from-\(step)", epochs: 2, resume: path)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.errors == ["continuing from \(path)"])
                try expectSameWeights(
                    folder.records("from-\(step)"), folder.records("whole"), nil, "from step \(step)")
                let events = try folder.records("whole").events().filter { $0.step > step }
                #expect(try folder.records("from-\(step)").events().filter { $0.step > step } == events)
            }
        }

        /// Four steps an epoch.
        @Test func stepsThatEndEpochsCountToo() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let outcome = try WorkerRun.outcome(
                job, ranks: 1,
                ["checkpoints.every_steps=4", "checkpoints.every_epochs=0", "training.epochs=3"].flatMap {
                    ["--set", $0]
                })
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try folder.records().checkpointSteps() == [12, 8, 4])
        }

        @Test func aFinishedRunStaysAsItIs() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try train(job, "run").status == 0)
            let content = try folder.content("run").filter { $0.key != ".lock" }
            let again = try train(job, "run")
            #expect(again.status == 0, "\(again.errors)")
            #expect(try folder.content("run").filter { $0.key != ".lock" } == content)
        }

        /// Other files of as many samples may be meant: it goes on, and says so.
        @Test func otherDataIsAWarning() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try train(job, "run", epochs: 1).status == 0)
            try Folder.rename(folder.path + "/train-0.npz", to: folder.path + "/train-2.npz")
            let more = try train(job, "run", epochs: 2)
            #expect(more.status == 0)
            let checkpoint = folder.path + "/run/checkpoints/step-000000004"
            #expect(
                more.errors == [
                    "warning: \(checkpoint): the files of data.train are not those it was written with (names, "
                        + "rows or sizes); training goes on with these",
                    "continuing from \(checkpoint)",
                ])
        }

        /// Other arrays of the same files are no other files.
        @Test func fewerArraysAreTold() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let optimizer = ["--set", "optimizer=sgd"]
            #expect(
                try WorkerRun.outcome(job, ranks: 1, optimizer + ["--set", "training.epochs=1"]).status == 0)
            let one = "outputs={kind: {loss: sparse_categorical_crossentropy}}"
            let more = try WorkerRun.outcome(job, ranks: 2, optimizer + ["--set", one])
            #expect(more.status == 0, "\(more.errors)")
            let told =
                "other arrays of data.train are read than when it was written: no longer box, box_weight"
            #expect(more.errors.contains { $0.hasSuffix(told) }, "\(more.errors)")
            #expect(!more.errors.contains { $0.contains("the files of data.train") }, "\(more.errors)")
        }

        /// Of the same names and sizes: their checksums tell.
        @Test func aChangedArrayIsNamed() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17])
            #expect(try train(job, "run", epochs: 1).status == 0)
            let other = try TrainingFolder("other", in: folder)
            _ = try SampleJob.twoHeads.prepare(in: other, shards: [17], labelled: [0, 1, 2])
            try folder.replace("train-0.npz", with: other.read("train-0.npz"))
            let more = try train(job, "run", epochs: 2)
            #expect(more.status == 0, "\(more.errors)")
            #expect(
                more.errors.contains {
                    $0.hasSuffix(
                        ": kind of data.train is not the array it was written with (types, shapes or checksums); "
                            + "training goes on with these")
                }, "\(more.errors)")
        }

        /// Between two epochs nothing depends on the size of a batch: the run goes on, at any number of ranks and from
        /// any checkpoint, as exactly as ever.
        @Test func theBatchMayChangeBetweenEpochs() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            for name in ["run", "other"] { #expect(try train(job, name, epochs: 1).status == 0) }
            let options = ["--set", "training.batch_size=5", "--set", "training.epochs=3"]
            let whole = try WorkerRun.outcome(job, ranks: 2, options + ["--set", "checkpoints.keep=9"])
            #expect(whole.status == 0, "\(whole.errors)")
            let path = folder.path + "/run/checkpoints/step-000000004"
            #expect(
                whole.errors.first
                    == "warning: \(path): was written with training.batch_size 8, the job has 5: from epoch 2 on an "
                    + "epoch has 6 steps; learning rate schedules go on counting steps")
            #expect(whole.output.contains("epoch 2/3 done  step 10"))
            #expect(whole.output.contains("epoch 3/3 done  step 16"))
            let one = try WorkerRun.outcome(job, ranks: 1, options + ["--set", "run_directory=other"])
            #expect(one.status == 0, "\(one.errors)")
            try expectSameWeights(
                folder.records("other"), folder.records("run"),
                Tolerance(longestSum: SampleJob.twoHeads.longestSum, steps: 16), "1 and 2 ranks")
            // From the midst of an epoch with the new size: the same bits again.
            let middle = folder.path + "/run/checkpoints/step-000000006"
            let again = try WorkerRun.outcome(
                job, ranks: 2, options + ["--set", "run_directory=again", "--resume", middle])
            #expect(again.errors == ["continuing from \(middle)"], "\(again.errors)")
            try expectSameWeights(folder.records("again"), folder.records("run"), nil, "from step 6")
        }

        @Test func withinAnEpochTheBatchMayNotChange() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try train(job, "run").status == 0)
            let path = folder.path + "/run/checkpoints/step-000000010"
            let refused = try WorkerRun.outcome(
                job, ranks: 1,
                ["--set", "training.batch_size=4", "--set", "run_directory=run", "--resume", path])
            #expect(refused.status == 65)
            #expect(
                refused.messages == [
                    "mio: \(path): was written with training.batch_size 8, the job has 4; set it back until the "
                        + "epoch ends (between two epochs it may change), or start over with --resume never"
                ])
        }

        /// From then on the run is that of the checkpoint, also if it ends before it has written one.
        @Test func anotherRunsCheckpointReplacesThoseOfTheRun() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try train(job, "run").status == 0)
            #expect(try train(job, "other", epochs: 2).status == 0)
            let path = folder.records("other").checkpointsPath + "/" + RunRecords.checkpointName(6)
            let outcome = try WorkerRun.outcome(
                job, ranks: 1,
                ["--set", "run_directory=run", "--set", "optimizer.learning_rate=1e38", "--resume", path])
            #expect(outcome.status == 76, "\(outcome.errors)")
            #expect(try folder.records("run").checkpointSteps() == [6])
            let name = RunRecords.checkpointName(6)
            for file in ["weights.safetensors", "optimizer.safetensors"] {
                #expect(
                    try folder.read("run/checkpoints/\(name)/\(file)")
                        == folder.read("other/checkpoints/\(name)/\(file)"))
            }
            #expect(try folder.records("other").checkpointSteps() == [8, 6, 4])
        }

        /// An epoch's mean of two metrics would be neither's.
        @Test func otherMetricsBeginAnew() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let steps = ["--set", "checkpoints.every_steps=1", "--set", "checkpoints.keep=9"]
            #expect(try WorkerRun.outcome(job, ranks: 1, steps + ["--set", "training.epochs=1"]).status == 0)
            for step in 2...4 {
                try Folder.remove(folder.path + "/run/checkpoints/" + RunRecords.checkpointName(step))
            }
            let more = try WorkerRun.outcome(
                job, ranks: 1,
                ["--set", "training.epochs=1", "--set", "outputs.kind.metrics=[sparse_categorical_accuracy]"])
            #expect(more.status == 0, "\(more.errors)")
            #expect(more.errors.count == 3)
            #expect(
                more.errors.first?.hasSuffix(
                    "step-000000001: was written with other losses or metrics: those of epoch 1 will be of its "
                        + "remaining samples only") == true)
            #expect(
                more.errors.dropFirst().first
                    == "warning: \(folder.path)/run/job.yaml: the run goes on with another job: "
                    + "outputs.kind.metrics[0].class: \"Accuracy\" → \"SparseCategoricalAccuracy\", "
                    + "outputs.kind.metrics[0].name: \"accuracy\" → \"sparse_categorical_accuracy\"")
        }

        @Test func whatWouldTrainOtherwiseIsTold() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try WorkerRun.outcome(job, ranks: 1, ["--set", "training.epochs=1"]).status == 0)
            let more = try WorkerRun.outcome(
                job, ranks: 1,
                ["--set", "model.layers[0].activation=tanh", "--set", "logging.every_steps=2"])
            #expect(more.status == 0, "\(more.errors)")
            #expect(
                more.errors == [
                    "warning: \(folder.path)/run/job.yaml: the run goes on with another job: "
                        + "model.layers[0].activation: \"relu\" → \"tanh\"",
                    "continuing from \(folder.path)/run/checkpoints/step-000000004",
                ])
            let again = try WorkerRun.outcome(
                job, ranks: 1, ["--set", "model.layers[0].activation=tanh", "--set", "training.epochs=2"])
            #expect(
                again.errors.last
                    == "all 2 epochs are done, and nothing is left to train; raise training.epochs, or start over "
                    + "with --resume never")
        }

        @Test func aRunIsNoCheckpoint() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try WorkerRun.outcome(job, ranks: 1, ["--set", "training.epochs=1"]).status == 0)
            for path in ["run", "run/checkpoints"] {
                let outcome = try WorkerRun.outcome(job, ranks: 1, ["--resume", folder.path + "/" + path])
                #expect(outcome.status == 66)
                #expect(
                    outcome.messages.first?.contains(
                        "\(path): expected the folder of a checkpoint, like runs/NAME/checkpoints/step-")
                        == true)
            }
        }

        @Test func aModelIsThatOfTheRunOrNone() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try train(job, "run", epochs: 1).status == 0)
            #expect(Folder.exists(folder.path + "/run/model.safetensors"))
            // Over, as far as a loss that is not finite.
            let outcome = try WorkerRun.outcome(
                job, ranks: 1,
                ["--set", "run_directory=run", "--set", "optimizer.learning_rate=1e38", "--resume", "never"])
            #expect(outcome.status == 76, "\(outcome.errors)")
            #expect(!Folder.exists(folder.path + "/run/model.safetensors"))
        }

        @Test func neverStartsOver() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try train(job, "run", epochs: 3).status == 0)
            let over = try train(job, "run", epochs: 1, resume: "never")
            #expect(over.status == 0)
            #expect(over.errors == [])
            #expect(try train(job, "other", epochs: 1).status == 0)
            try expectSameEvents(folder.records(), folder.records("other"), nil, "started over")
            try expectSameWeights(folder.records(), folder.records("other"), nil, "started over")
            #expect(try folder.records().checkpointSteps() == folder.records("other").checkpointSteps())
        }

        @Test func aCheckpointThatIsNotThereIsMissingInput() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [5])
            let outcome = try train(job, "run", resume: folder.path("nowhere"))
            #expect(outcome.status == 66, "\(outcome.errors)")
            #expect(outcome.messages.count == 1)
            #expect(outcome.messages.first?.contains(folder.path("nowhere")) == true)
        }
    }
}
