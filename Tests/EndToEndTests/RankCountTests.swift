import Testing

extension EndToEndTests {
    /// Law 1: the number of ranks never changes the training.
    @Suite struct RankCountTests {
        /// Trains on 1 to 4 ranks, and compares every step's numbers and the final weights with those of a
        /// worker without a launcher.
        /// - Parameter warnings: what each run says, once at any number of ranks.
        private func compare(
            _ sample: SampleJob, shards: [Int], labelled: Set<Int>? = nil, _ overrides: [String] = [],
            steps: Int, warnings: [String] = []
        ) throws {
            let folder = try TrainingFolder()
            let job = try sample.prepare(in: folder, shards: shards, labelled: labelled)
            func train(_ name: String, ranks: Int, launch: WorkerRun.Launch) throws -> RunRecords {
                let arguments = (overrides + ["run_directory=\(name)"]).flatMap { ["--set", $0] }
                let outcome = try WorkerRun.outcome(job, ranks: ranks, arguments, launch: launch)
                #expect(outcome.status == 0, "\(name): \(outcome.errors)")
                #expect(outcome.errors == warnings, "\(name)")
                return folder.records(name)
            }
            let alone = try train("alone", ranks: 1, launch: .alone)
            #expect(try alone.steps().map(\.step) == Array(1...steps))
            let tolerance = Tolerance(longestSum: sample.longestSum, steps: steps)
            for ranks in 1...4 {
                let records = try train("run-\(ranks)", ranks: ranks, launch: .mpirun)
                try expectSameEvents(records, alone, tolerance, "\(ranks) ranks")
                try expectSameWeights(records, alone, tolerance, "\(ranks) ranks")
            }
        }

        /// 19 samples in batches of 8: the last has 3, fewer than 4 ranks.
        @Test func twoHeadsWithDropoutAndSampleWeights() throws {
            try compare(.twoHeads, shards: [7, 12], steps: 6)
        }

        /// A model of models, with dropouts in it and a frozen layer.
        @Test func nestedModels() throws {
            try compare(.nested, shards: [7, 12], steps: 6)
        }

        @Test func moreRanksThanSamplesInEveryBatch() throws {
            try compare(.twoHeads, shards: [3, 2], ["training.batch_size=2"], steps: 6)
        }

        /// One labelled sample: in every batch at most one rank has a label for `kind`.
        @Test func anOutputLabelledOnOneRankOnly() throws {
            try compare(.twoHeads, shards: [7, 12], labelled: [2], steps: 6)
        }

        @Test func anOutputWithoutAnyLabel() throws {
            try compare(
                .twoHeads, shards: [19], labelled: [], steps: 6,
                warnings: [
                    "warning: data.train: output \"kind\": no sample has a label: its loss and metrics are 0, "
                        + "and it learns nothing"
                ])
        }

        @Test(arguments: ["Adam", "AdamW"]) func optimizersWithMoments(name: String) throws {
            try compare(
                .twoHeads, shards: [7, 12],
                ["optimizer={class: \(name), learning_rate: 0.001, global_clipnorm: 1.0}"], steps: 6)
        }

        @Test func microBatches() throws {
            try compare(.twoHeads, shards: [7, 12], ["training.micro_batch=1"], steps: 6)
        }

        @Test func imageAndMetadata() throws {
            try compare(.imageAndMetadata, shards: [5, 4], ["training.batch_size=4"], steps: 6)
        }

        @Test func convolutionsAndPoolings() throws {
            try compare(.imageLayers, shards: [11], ["training.batch_size=4"], steps: 6)
        }
    }
}
