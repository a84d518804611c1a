import Foundation
import Testing

extension EndToEndTests {
    /// What `training.reproducible`, `training.accumulate` and `communication.compression` promise, of real runs.
    @Suite struct ReproducibleTests {
        private struct Machines {
            let ranks: Int
            var ranksPerGroup: Int?
            var threads = 1
        }

        private func train(
            _ job: String, _ name: String, _ machines: Machines, _ settings: [String]
        ) throws -> WorkerRun.Outcome {
            try WorkerRun.outcome(
                job, ranks: machines.ranks,
                (settings + ["run_directory=\(name)", "training.threads=\(machines.threads)"]).flatMap {
                    ["--set", $0]
                },
                environment: machines.ranksPerGroup.map { ["MIO_RANKS_PER_GROUP": "\($0)"] } ?? [:])
        }

        /// The files of the newest checkpoint that hold tensors.
        private func checkpoint(_ folder: TrainingFolder, _ name: String) throws -> [String: Data] {
            let files = try folder.content("\(name)/checkpoints").filter { $0.key.hasSuffix(".safetensors") }
            let newest = files.keys.map { $0.split(separator: "/")[0] }.max() ?? ""
            return files.filter { $0.key.hasPrefix(newest) }
        }

        /// 1, 2, 4 and 8 ranks, on one machine and as if on two, of one thread or more, leave the same checkpoints and the
        /// same logs.
        @Test(arguments: ["two-heads", "images", "nested"])
        func strictRunsAreEqualToTheBit(sample: String) throws {
            let folder = try TrainingFolder()
            let samples: [String: SampleJob] = ["images": .imageAndMetadata, "nested": .nested]
            let job = try samples[sample, default: .twoHeads]
                .prepare(in: folder, shards: [7, 12])
            let settings = [
                "training.reproducible=strict",
                "optimizer={class: Adam, learning_rate: 0.001, global_clipnorm: 0.5}",
            ]
            let all: [Machines] = [
                Machines(ranks: 1), Machines(ranks: 2), Machines(ranks: 4), Machines(ranks: 8),
                Machines(ranks: 4, ranksPerGroup: 2), Machines(ranks: 1, threads: 3),
                Machines(ranks: 2, ranksPerGroup: 1, threads: 2),
            ]
            for (index, machines) in all.enumerated() {
                let outcome = try train(job, "run-\(index)", machines, settings)
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            let expected = try checkpoint(folder, "run-0")
            #expect(
                expected.keys.map { $0.split(separator: "/")[1] }.sorted()
                    == ["optimizer.safetensors", "weights.safetensors"])
            for index in all.indices.dropFirst() {
                #expect(try checkpoint(folder, "run-\(index)") == expected, "\(all[index])")
                #expect(
                    try folder.records("run-\(index)").events() == folder.records("run-0").events(),
                    "\(all[index])")
            }
        }

        @Test func aNumberOfRanksThatIsNoPowerOfTwoIsRefused() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [19])
            let outcome = try train(
                job, "run", Machines(ranks: 3), ["training.reproducible=strict"])
            #expect(outcome.status == 65)
            #expect(
                outcome.messages == [
                    "mio: training.reproducible: strict needs a number of ranks that is a power of two, at most "
                        + "training.virtual_shards (8); this run has 3 ranks"
                ])
        }

        /// Four batches of two are a batch of eight.
        @Test(arguments: [1, 3]) func accumulatedBatchesAreOneLargerBatch(ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [7, 12])
            for (name, settings) in [
                ("whole", ["training.batch_size=8"]),
                ("parts", ["training.batch_size=2", "training.accumulate=4"]),
            ] {
                let outcome = try train(
                    job, name, Machines(ranks: ranks), settings + ["data={train: {files: train-*.npz}}"])
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            #expect(try folder.records("parts").events() == folder.records("whole").events())
            try expectSameWeights(folder.records("parts"), folder.records("whole"), nil, "parts")
        }

        /// As if on two machines, gradients that are rounded to eight bits on their way train to about the same; each
        /// step adds at most 2⁻⁸ of the learning rate's share of a gradient of the order of 1.
        @Test func compressionChangesLittleAndTellsSo() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [7, 12])
            for name in ["none", "bfloat16"] {
                let outcome = try train(
                    job, name, Machines(ranks: 4, ranksPerGroup: 2), ["communication.compression=\(name)"])
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            let (exact, rounded) = (
                try folder.records("none").weights(), try folder.records("bfloat16").weights()
            )
            var farthest: Float = 0
            for (name, values) in rounded {
                for (value, expected) in zip(values, exact[name] ?? []) {
                    farthest = max(farthest, abs(value - expected))
                }
            }
            #expect(farthest > 0)
            // 6 steps of learning rate 0.05, whose momentum makes up to ten of each.
            #expect(farthest < 6 * 0.05 * 10 / 256)
        }
    }
}
