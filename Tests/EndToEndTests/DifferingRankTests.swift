import Testing

extension EndToEndTests {
    /// A rank that was given another job or other data ends the run, with its rank and the difference named.
    @Suite struct DifferingRankTests {
        private func expectRefused(
            ofRank: [Int: [String]], _ expected: String, prepare: (TrainingFolder) throws -> Void = { _ in },
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [7, 12])
            try prepare(folder)
            let outcome = try WorkerRun.outcome(job, ranks: 3, ofRank: ofRank)
            #expect(outcome.status == 65, "\(outcome.errors)", sourceLocation: sourceLocation)
            #expect(
                outcome.errors == [expected.replacing("FOLDER", with: folder.path)],
                sourceLocation: sourceLocation)
            // Nothing was touched.
            #expect(try folder.records().events() == [], sourceLocation: sourceLocation)
        }

        @Test func anotherJob() throws {
            try expectRefused(
                ofRank: [1: ["--set", "training.batch_size=4"]],
                "mio: the job differs on rank 1: line 35: expected \"  batch_size: 8\", received "
                    + "\"  batch_size: 4\": all ranks must see the same files and the same mio")
        }

        @Test func aJobThatOneRankCannotRead() throws {
            try expectRefused(
                ofRank: [2: ["--set", "optimizer.class=Adm"]],
                "mio: rank 2: --set optimizer.class=Adm: optimizer.class: expected an optimizer: "
                    + "unknown name \"Adm\"; did you mean \"Adam\"? Valid names: Adadelta, Adagrad, Adam, AdamW, Adamax, Ftrl, "
                    + "Lion, Nadam, RMSprop, SGD")
        }

        @Test func aCommandLineThatOneRankCannotRead() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [7])
            let outcome = try WorkerRun.outcome(job, ranks: 2, ofRank: [1: ["--foo"]])
            #expect(outcome.status == 64)
            #expect(outcome.messages.count == 1)
            #expect(outcome.messages.first?.hasPrefix("mio: rank 1: Error: Unknown option '--foo'") == true)
        }

        /// Options that are no part of the job.
        @Test(arguments: [
            (["--resume", "never"], "--resume", "auto", "never"),
            (["--resume", "runs"], "--resume", "auto", "runs"),
            (["--kernels", "reference"], "--kernels", "native", "reference"),
        ]) func anotherOption(options: [String], name: String, expected: String, received: String) throws {
            try expectRefused(
                ofRank: [2: options],
                "mio: the option \(name) differs on rank 2: line 1: expected \"\(expected)\", received "
                    + "\"\(received)\": start all ranks with the same options")
        }

        /// The same job, but the data that one machine has under that name is not the others'.
        @Test func otherDataUnderTheSameName() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [7, 12])
            let other = try TrainingFolder("other", in: folder)
            _ = try SampleJob.twoHeads.prepare(in: other, shards: [8, 12])
            // The link in /proc leads each rank to its own working folder.
            let outcome = try WorkerRun.outcome(
                job, ranks: 2,
                ["--set", "data.train.files=/proc/self/cwd/train-*.npz", "--set", "data.validation=null"],
                foldersOfRanks: [folder.path, other.path])
            #expect(outcome.status == 65, "\(outcome.errors)")
            #expect(outcome.errors.count == 1)
            let message = try #require(outcome.messages.first)
            #expect(message.hasPrefix("mio: the data.train differs on rank 1: line "), "\(message)")
            #expect(message.contains("train-0.npz"), "\(message)")
        }
    }
}
