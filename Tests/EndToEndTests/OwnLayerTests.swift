import Testing

extension EndToEndTests {
    /// A program that registers a layer of its own and trains a job that names it.
    @Suite struct OwnLayerTests {
        private func prepare(_ folder: TrainingFolder) throws -> String {
            _ = try SampleJob.twoHeads.prepare(in: folder, shards: [7, 12])
            let text = String(decoding: try folder.read("job.yaml"), as: UTF8.self)
            let edited = text.replacing("units: 32, activation: relu}", with: "units: 32}")
                .replacing(
                    "- {name: dropped, class: Dropout, inputs: class_hidden, rate: 0.25}",
                    with: "- {name: dropped, class: Swish, inputs: class_hidden, beta: 1.5}")
            #expect(edited.contains("Swish"))
            return try folder.write(edited)
        }

        /// As mio's own layers: 1 to 4 ranks give one training, and the weight is trained.
        @Test func trainsAtAnyNumberOfRanks() throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder)
            let text = String(decoding: try folder.read("job.yaml"), as: UTF8.self)
            func train(_ ranks: Int) throws -> RunRecords {
                _ = try folder.write(
                    text.replacing("run_directory: run", with: "run_directory: run-\(ranks)"))
                let outcome = try WorkerRun.outcome(job, ranks: ranks, program: "own-layer-train")
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.errors == [])
                return folder.records("run-\(ranks)")
            }
            let one = try train(1)
            let beta = try #require(try one.weights()["dropped/beta"])
            #expect(beta.count == 32 && beta.contains { $0 != 1.5 })
            for ranks in 2...4 {
                let records = try train(ranks)
                let tolerance = Tolerance(longestSum: SampleJob.twoHeads.longestSum, steps: 6)
                try expectSameEvents(records, one, tolerance, "\(ranks) ranks")
                try expectSameWeights(records, one, tolerance, "\(ranks) ranks")
            }
        }

        /// mio's own worker has no such class.
        @Test func otherProgramsDoNotKnowIt() throws {
            let folder = try TrainingFolder()
            let outcome = try WorkerRun.outcome(try prepare(folder), ranks: 2)
            #expect(outcome.status == 65)
            #expect(outcome.messages.count == 1)
            #expect(outcome.messages.first?.contains("unknown name \"Swish\"") == true, "\(outcome.messages)")
        }
    }
}
