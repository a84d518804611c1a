import ProcessSupport
import Testing

extension EndToEndTests {
    /// Outputs that the data has no label for; `RankCountTests` trains them.
    @Suite struct UnlabelledTests {
        @Test func evaluationTellsOfThem() throws {
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
