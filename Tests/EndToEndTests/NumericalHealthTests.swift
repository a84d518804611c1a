import Foundation
import MIOConfig
import ProcessSupport
import Testing

extension EndToEndTests {
    /// Runs that go back to a checkpoint by themselves, tell of spikes, and keep their replicas equal.
    @Suite struct NumericalHealthTests {
        private func prepare(_ folder: TrainingFolder, shards: [Int] = [17, 12]) throws -> String {
            try SampleJob.twoHeads.prepare(in: folder, shards: shards)
        }

        private func run(
            _ job: String, ranks: Int, _ name: String, _ settings: [String] = [], inject: String? = nil,
            ofMachines: Int? = nil
        ) throws -> WorkerRun.Outcome {
            try WorkerRun.outcome(
                job, ranks: ranks, (["run_directory=\(name)"] + settings).flatMap { ["--set", $0] },
                environment: environment(inject, ofMachines))
        }

        /// - Parameter ranksPerGroup: that share memory; `nil` for all of the machine.
        private func environment(_ inject: String?, _ ranksPerGroup: Int?) -> [String: String] {
            var environment: [String: String] = [:]
            environment["MIO_INJECT"] = inject
            environment["MIO_RANKS_PER_GROUP"] = ranksPerGroup.map { "\($0)" }
            return environment
        }

        /// The lines of `events.jsonl` of one kind: their steps and texts.
        private func told(_ kind: String, in run: String, _ folder: TrainingFolder) throws -> [(
            step: Int, text: String
        )] {
            try folder.read(run + "/events.jsonl").split(separator: 0x0A).compactMap { line in
                var reader = try ConfigReader(ConfigValue(json: Data(line)), at: ConfigPath())
                guard try reader.string("event") == kind else { return nil }
                return (try reader.integer("step"), try reader.string("text"))
            }
        }

        // MARK: Not finite

        /// Weights that are NaN make every step one that is not finite.
        @Test func skipsInARowEnd() throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder, shards: [40])
            let outcome = try run(
                job, ranks: 2, "run",
                ["training.non_finite=skip", "training.non_finite_limit=3", "checkpoints.every_steps=0"],
                inject: "nan rank=0 step=1")
            #expect(outcome.status == 76, "\(outcome.errors)")
            #expect(outcome.messages.count == 1)
            let message = outcome.messages.first ?? ""
            #expect(message.hasPrefix("mio: step 5: the loss of output \"") && message.contains(" is nan"))
            #expect(
                message.contains("; 3 steps before it were skipped already. The weights are those of step 1.")
            )
            let skipped = try told("non_finite", in: "run", folder)
            #expect(skipped.map(\.step) == [2, 3, 4])
            #expect(
                skipped.allSatisfy {
                    $0.text.contains(" is nan") && $0.text.hasSuffix("; the step is skipped")
                })
            #expect(
                try folder.records().events().filter { $0.event == "non_finite" }.map(\.step) == [2, 3, 4])
            let lines = String(decoding: try folder.read("run/metrics.jsonl"), as: UTF8.self)
            #expect(lines.contains("\"text\": \"step 2: the loss of output"))
        }

        /// A batch that overflows at each epoch: without it, the training is that which skips it.
        @Test func goingBackLeavesTheBatchOut() throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder)
            try folder.spoil("train-1.npz", row: 5, with: 3e38)
            let settings = ["model.layers[4].activation=linear", "optimizer.learning_rate=0.001"]
            let skipping = try run(job, ranks: 2, "skipping", settings + ["training.non_finite=skip"])
            #expect(skipping.status == 0, "\(skipping.errors)")
            let faults = try told("non_finite", in: "skipping", folder).map(\.step)
            #expect(faults.count == 2)
            let outcome = try run(job, ranks: 2, "run", settings + ["training.non_finite=rollback"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            try expectSameWeights(folder.records(), folder.records("skipping"), nil, "going back")
            #expect(try folder.records().steps() == folder.records("skipping").steps())
            let events = try folder.records().events()
            #expect(events.filter { $0.event == "left_out" }.map(\.step) == faults)
            #expect(
                events.filter { $0.event == "rollback" }.map { $0.values["fault_step"] }
                    == faults.map(Double.init))
            let texts = try told("rollback", in: "run", folder)
            #expect(texts.map(\.step) == faults)
            #expect(
                texts.allSatisfy {
                    $0.text.contains("row 5") && $0.text.contains("; going back to the ")
                        && $0.text.hasSuffix(", and leaving out the batch of step \($0.step)")
                }, "\(texts)")
            // Once more than the run may.
            let limited = try run(
                job, ranks: 1, "limited",
                settings + ["training.non_finite=rollback", "training.non_finite_limit=1"])
            #expect(limited.status == 76, "\(limited.errors)")
            #expect(limited.messages.count == 1)
            #expect(limited.messages.first?.contains("the run has gone back 1 time already") == true)
        }

        /// A fault that comes once: a run that is killed after it went back, and goes on with other ranks, leaves the same batch out.
        /// With a checkpoint of each step the fault is met when that is written.
        @Test(arguments: [1, 2]) func aKillAfterGoingBackChangesNothing(everySteps: Int) throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder)
            let settings = [
                "training.non_finite=rollback", "checkpoints.every_steps=\(everySteps)",
                "optimizer.learning_rate=0.001",
            ]
            let fault = "nan rank=0 step=5 weight=box/kernel"
            let whole = try run(job, ranks: 2, "whole", settings + ["training.epochs=4"], inject: fault)
            #expect(whole.status == 0, "\(whole.errors)")
            let leftOut = try folder.records("whole").events().filter { $0.event == "left_out" }.map(\.step)
            #expect(leftOut == [6])

            let records = folder.records()
            let killed = try WorkerRun(
                job, ranks: 2,
                (settings + ["run_directory=run", "training.epochs=1000000"]).flatMap { ["--set", $0] },
                environment: environment(fault, nil))
            try waitUntil("the run has gone back") {
                guard killed.isRunning else { throw SpawnedProcess.Failure("\(try killed.wait().errors)") }
                return try records.events().contains { $0.event == "rollback" }
            }
            killed.killEverything()
            try killed.waitUntilGone()
            let epoch = try #require(try records.newestCheckpoint()).manifest.epoch
            let epochs = max(4, epoch + 2)
            let continued = try run(job, ranks: 3, "run", settings + ["training.epochs=\(epochs)"])
            #expect(continued.status == 0, "\(continued.errors)")
            if epochs > 4 {
                let longer = try run(
                    job, ranks: 2, "longer", settings + ["training.epochs=\(epochs)"], inject: fault)
                #expect(longer.status == 0, "\(longer.errors)")
            }
            let expected = folder.records(epochs > 4 ? "longer" : "whole")
            let tolerance = Tolerance(
                longestSum: SampleJob.twoHeads.longestSum, steps: try expected.steps().count)
            try expectSameEvents(records, expected, tolerance, "killed")
            try expectSameWeights(records, expected, tolerance, "killed")
        }

        /// Before the first checkpoint a run goes back to its start.
        @Test func withoutACheckpointItBeginsAgain() throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder)
            let settings = ["checkpoints.every_steps=0", "optimizer={class: Adam, learning_rate: 0.001}"]
            let undisturbed = try run(job, ranks: 2, "undisturbed", settings)
            #expect(undisturbed.status == 0, "\(undisturbed.errors)")
            let outcome = try run(
                job, ranks: 2, "run", settings, inject: "flip rank=1 step=2 bit=20", ofMachines: 1)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(
                outcome.errors.filter { $0.contains("going back to the start, as there is no checkpoint") }
                    .count
                    == 1, "\(outcome.errors)")
            try expectSameWeights(folder.records(), folder.records("undisturbed"), nil, "from the start")
        }

        @Test func aFaultThatIsNoneIsRefused() throws {
            let folder = try TrainingFolder()
            let outcome = try run(try prepare(folder), ranks: 2, "run", inject: "flip rank=x step=2")
            #expect(outcome.status == 64, "\(outcome.errors)")
            #expect(outcome.messages.count == 1)
            #expect(outcome.messages.first?.contains("MIO_INJECT: expected flip or nan") == true)
        }

        // MARK: Replicas

        /// A flipped bit of one replica, at any step: all go back, and the end is that of an undisturbed run.
        @Test(arguments: [(2, 5, nil), (3, 6, nil), (3, 4, "momentum")] as [(Int, Int, String?)])
        func replicasThatDifferGoBack(ranks: Int, step: Int, slot: String?) throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder)
            let settings = ["training.replica_check={every_steps: 3}", "checkpoints.every_steps=4"]
            let undisturbed = try run(job, ranks: ranks, "undisturbed", settings, ofMachines: 1)
            #expect(undisturbed.status == 0, "\(undisturbed.errors)")
            let outcome = try run(
                job, ranks: ranks, "run", settings,
                inject: "flip rank=1 step=\(step) bit=22 weight=kind/kernel"
                    + (slot.map { " slot=\($0)" } ?? ""),
                ofMachines: 1)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let rollbacks = try told("rollback", in: "run", folder)
            #expect(rollbacks.count == 1)
            let text = rollbacks.first?.text ?? ""
            let at = step == 5 ? 6 : step
            #expect(text.hasPrefix("step \(at): replicas differ: "), "\(text)")
            if slot == nil {
                if step % 3 == 0 {
                    #expect(
                        text.contains("weight \"kind/kernel\" of rank 1 (")
                            && text.contains(" is not that of rank 0 ("))
                }
            } else {
                #expect(text.contains("optimizer state \"momentum/kind/kernel\" of rank 1 ("), "\(text)")
            }
            #expect(
                text.hasSuffix(
                    "; going back to the "
                        + (at > 4 ? "checkpoint of step 4" : "start, as there is no checkpoint")))
            try expectSameWeights(folder.records(), folder.records("undisturbed"), nil, "\(ranks) ranks")
            #expect(try folder.records().steps() == folder.records("undisturbed").steps())
        }

        /// With `repair: copy` the majority's replica is copied, also to rank 0; of two replicas none is a majority's.
        @Test(arguments: [(0, 3), (2, 3), (1, 2)]) func theMajorityIsCopied(rank: Int, ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder)
            let settings = ["training.replica_check={every_steps: 3, repair: copy}"]
            let undisturbed = try run(job, ranks: ranks, "undisturbed", settings, ofMachines: 1)
            #expect(undisturbed.status == 0, "\(undisturbed.errors)")
            let outcome = try run(
                job, ranks: ranks, "run", settings, inject: "flip rank=\(rank) step=3 bit=30", ofMachines: 1)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let copied = try told("replicas", in: "run", folder)
            let back = try told("rollback", in: "run", folder)
            #expect(copied.count == (ranks == 3 ? 1 : 0) && back.count == (ranks == 3 ? 0 : 1))
            let text = (copied + back).first?.text ?? ""
            #expect(
                text.hasPrefix("step 3: replicas differ: weight \"class_hidden/kernel\" of rank "), "\(text)")
            if ranks == 3 {
                #expect(text.contains("copied the replica of rank \(rank == 0 ? 1 : 0) ("), "\(text)")
            }
            try expectSameWeights(folder.records(), folder.records("undisturbed"), nil, "rank \(rank)")
        }

        /// Ranks that share memory have one replica.
        @Test func ranksOfAMachineHaveNothingToCompare() throws {
            let folder = try TrainingFolder()
            let outcome = try run(
                try prepare(folder), ranks: 2, "run", ["training.replica_check={every_steps: 1}"],
                inject: "flip rank=1 step=3 bit=1")
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try told("rollback", in: "run", folder).isEmpty)
        }

        // MARK: Spikes

        /// A loss far above its range is told with its output, range and row, on any number of ranks.
        @Test(arguments: [1, 3]) func spikesAreTold(ranks: Int) throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder, shards: [920])
            try folder.spoil("train-0.npz", row: 883, with: 2000)
            let settings = [
                "training.shuffle=false", "training.epochs=1", "checkpoints.every_steps=50",
                "optimizer.learning_rate=0.000001",
            ]
            let outcome = try run(job, ranks: ranks, "run", settings)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let text = try #require(try told("loss_spike", in: "run", folder).first { $0.step == 111 }).text
            #expect(
                text.hasPrefix("step 111: the loss of output \"") && text.contains(", usually "), "\(text)")
            #expect(text.hasSuffix("train-0.npz, row 883"), "\(text)")
            let event = try #require(
                try folder.records().events().first { $0.event == "loss_spike" && $0.step == 111 })
            let (low, high) = (
                try #require(event.values["usual_from"]), try #require(event.values["usual_to"])
            )
            let loss = try #require(event.values["kind_loss"] ?? event.values["box_loss"])
            #expect(low < high && high < loss)
            #expect(outcome.errors.contains("warning: \(text)"))

            let back = try run(job, ranks: ranks, "back", settings + ["training.loss_spikes=rollback"])
            #expect(back.status == 0, "\(back.errors)")
            let events = try folder.records("back").events()
            #expect(events.filter { $0.event == "left_out" }.map(\.step) == [111])
            #expect(events.filter { $0.event == "rollback" }.map(\.step) == [100])
            #expect(!events.contains { $0.event == "loss_spike" })
            let ignored = try run(job, ranks: ranks, "ignored", settings + ["training.loss_spikes=ignore"])
            #expect(ignored.status == 0, "\(ignored.errors)")
            try expectSameWeights(folder.records("ignored"), folder.records(), nil, "told or not")
        }
    }
}
