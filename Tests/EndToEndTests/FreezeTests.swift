import Foundation
import MIOFormats
import Testing

extension EndToEndTests {
    /// Layers that are not trained, and those that are trained later.
    @Suite struct FreezeTests {
        private let adam =
            "optimizer={class: Adam, learning_rate: {class: CosineDecay, initial_learning_rate: 0.01, decay_steps: 40}}"

        private func train(
            _ job: String, _ name: String, ranks: Int = 2, epochs: Int, _ settings: [String] = []
        ) throws -> WorkerRun.Outcome {
            let outcome = try WorkerRun.outcome(
                job, ranks: ranks,
                (settings + [adam, "run_directory=\(name)", "training.epochs=\(epochs)"]).flatMap {
                    ["--set", $0]
                })
            #expect(outcome.status == 0, "\(outcome.errors)")
            return outcome
        }

        /// The newest checkpoint's tensors: weights, and slots by `slot/weight`.
        private func slots(_ records: RunRecords) throws -> Set<String> {
            Set(try #require(try records.newestCheckpoint()).optimizer.names)
        }

        @Test(arguments: [1, 3]) func frozenWeightsStayAsTheyBegan(ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            for epochs in [1, 2] {
                _ = try train(
                    job, "run-\(epochs)", ranks: ranks, epochs: epochs, ["freeze=[class_*, box_hidden]"])
            }
            let (one, two) = (try folder.records("run-1").weights(), try folder.records("run-2").weights())
            for (name, values) in two {
                let isFrozen = name.hasPrefix("class_hidden/") || name.hasPrefix("box_hidden/")
                #expect((one[name] == values) == isFrozen, "\(name)")
            }
            #expect(
                try slots(folder.records("run-2")) == [
                    "m/kind/kernel", "m/kind/bias", "m/box/kernel", "m/box/bias", "v/kind/kernel",
                    "v/kind/bias", "v/box/kernel", "v/box/bias",
                ])
        }

        /// A frozen model in a model, and one that is trained: its weights have its path.
        @Test func aNestedModelIsFrozen() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.nested.prepare(in: folder, shards: [17, 12])
            for epochs in [1, 2] { _ = try train(job, "run-\(epochs)", epochs: epochs) }
            let (one, two) = (try folder.records("run-1").weights(), try folder.records("run-2").weights())
            #expect(two["encoder/tower/d/kernel"] != nil)
            for (name, values) in two {
                #expect((one[name] == values) == name.hasPrefix("encoder/tower/last/"), "\(name)")
            }
        }

        /// The weights that were frozen are trained from then on; the moments of all begin at zero, whatever stops later.
        @Test func thawing() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            for name in ["straight", "stopped"] {
                _ = try train(job, name, epochs: 1, ["freeze=[class_hidden]"])
            }
            let frozen = try folder.records("straight").weights()
            let outcome = try train(job, "straight", epochs: 3)
            #expect(
                outcome.errors.first
                    == "warning: \(folder.path)/straight/checkpoints/step-000000004: other weights are trained than "
                    + "when it was written: now also class_hidden/kernel, class_hidden/bias. The optimizer's "
                    + "moments start at zero, as after Keras' compile; steps and learning rate go on",
                "\(outcome.errors)")
            _ = try train(job, "stopped", epochs: 2)
            let continued = try train(job, "stopped", epochs: 3)
            #expect(continued.errors.count == 1, "\(continued.errors)")
            let (straight, stopped) = (folder.records("straight"), folder.records("stopped"))
            #expect(try straight.weights() == stopped.weights())
            #expect(try straight.weights()["class_hidden/kernel"] != frozen["class_hidden/kernel"])
            #expect(try straight.steps().map(\.step) == Array(1...12))
            #expect(try straight.steps() == stopped.steps())
            // The schedule goes on: 0.01 · (1 + cos(π · 4/40)) / 2 in the fifth step.
            let rate = try #require(try straight.steps()[4].values["learning_rate"])
            #expect(abs(rate - 0.01 * (1 + cos(.pi * 0.1)) / 2) < 1e-9)
            // A first step of Adam with its bias corrected: nearly the learning rate, and no element more.
            #expect(try slots(straight).contains("m/class_hidden/kernel"))
        }

        /// Adam's first step after thawing is at most the learning rate: moments at zero that were not corrected for bias
        /// would make it 3.2 times as long.
        @Test func theFirstStepAfterThawingIsNoLonger() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            _ = try train(job, "run", epochs: 1, ["freeze=[class_hidden]"])
            let before = try folder.records("run").weights()
            _ = try train(job, "run", epochs: 2, ["checkpoints.every_steps=1", "checkpoints.keep=100"])
            let checkpoint = try SafetensorsFile(
                folder.path("run/checkpoints/\(RunRecords.checkpointName(5))/weights.safetensors"))
            let after = try checkpoint.tensor(named: "class_hidden/kernel").values
            let largest = zip(after, before["class_hidden/kernel"] ?? []).map { abs($0 - $1) }.max() ?? 0
            #expect(largest > 0.005 && largest < 0.0101, "\(largest)")
        }

        /// The others keep their moments: the same as if the run had gone on without its first part.
        @Test func freezingLater() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            _ = try train(job, "run", epochs: 1)
            let before = try folder.records("run").weights()
            let outcome = try train(job, "run", epochs: 2, ["freeze=['*_hidden']"])
            #expect(
                outcome.errors.first?.hasSuffix(
                    "no longer class_hidden/kernel, class_hidden/bias, box_hidden/kernel, box_hidden/bias. The "
                        + "optimizer goes on with the others") == true, "\(outcome.errors)")
            for (name, values) in try folder.records("run").weights() {
                #expect((before[name] == values) == name.contains("hidden"), "\(name)")
            }
        }
    }
}
