import ProcessSupport
import Testing

extension EndToEndTests {
    /// Outputs that the data has no label for.
    @Suite struct UnlabelledTests {
        /// It trains the other output, and says so once; one label on one rank is enough to be quiet.
        @Test(arguments: 1...2) func anOutputWithoutAnyLabelIsTold(ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12], labelled: [])
            let outcome = try WorkerRun.outcome(job, ranks: ranks)
            #expect(outcome.status == 0)
            #expect(
                outcome.errors == [
                    "warning: data.train: output \"kind\": no sample has a label: its loss and metrics are 0, "
                        + "and it learns nothing"
                ])
            let other = try TrainingFolder()
            let labelled = try SampleJob.twoHeads.prepare(in: other, shards: [17, 12], labelled: [20])
            #expect(try WorkerRun.outcome(labelled, ranks: ranks).errors == [])
        }

        @Test func evaluationTellsItToo() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17], labelled: [])
            #expect(try WorkerRun.outcome(job, ranks: 1).status == 0)
            let evaluated = try SpawnedProcess([
                try BuiltProgram.path("mio"), "evaluate", job, "--data", folder.path("train-0.npz"),
            ]).wait(atMost: 60)
            #expect(evaluated.status == 0)
            let warning = "output \"kind\": no sample has a label: its loss and metrics are 0"
            #expect(evaluated.errors.contains(warning))
        }
    }
}
