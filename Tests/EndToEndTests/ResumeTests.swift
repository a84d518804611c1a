import Foundation
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

        @Test func aFinishedRunStaysAsItIs() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try train(job, "run").status == 0)
            let content = try folder.content("run").filter { $0.key != ".lock" }
            let again = try train(job, "run")
            #expect(again.status == 0, "\(again.errors)")
            #expect(try folder.content("run").filter { $0.key != ".lock" } == content)
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
