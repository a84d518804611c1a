import ProcessSupport
import Testing

extension EndToEndTests {
    /// Law 5: killing any process at any instruction leaves a state that training continues from, exactly.
    @Suite struct KillTests {
        @Test func killsAtOneRankCountChangeNoBit() throws {
            var campaign = KillCampaign(
                kills: KillCampaign.requestedKills, ranks: [2], seed: 1, sample: .twoHeads,
                overrides: ["optimizer={class: Adam, learning_rate: 0.001}"])
            #expect(try campaign.run() > KillCampaign.requestedKills)
        }

        @Test func killsAndRestartsAtOtherRankCounts() throws {
            var campaign = KillCampaign(
                kills: KillCampaign.requestedKills, ranks: [1, 2, 3, 4], seed: 2, sample: .twoHeads,
                overrides: ["optimizer.learning_rate=0.001"])
            #expect(try campaign.run() > KillCampaign.requestedKills)
        }

        /// The best checkpoints and those that stay for ever are the same, on any numbers of ranks.
        @Test func killsChangeNotWhichCheckpointsStay() throws {
            let overrides = [
                "checkpoints.keep={last: 2, best: 3, monitor: val_kind_loss, every_steps: 10}",
                "optimizer={class: SGD, learning_rate: 0.3, momentum: 0.9}", "training.reproducible=strict",
            ]
            var campaign = KillCampaign(
                kills: KillCampaign.requestedKills, ranks: [2, 1, 4], seed: 4, sample: .twoHeads,
                overrides: overrides)
            #expect(try campaign.run() > KillCampaign.requestedKills)
        }

        /// When a checkpoint is written by time depends on the clock, and nothing else does.
        @Test(arguments: ["1s", "auto"]) func checkpointsByTimeChangeNothing(every: String) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            let records = folder.records()
            func options(_ epochs: Int, _ name: String, _ more: [String]) -> [String] {
                ([
                    "training.epochs=\(epochs)", "run_directory=\(name)", "checkpoints.every_steps=0",
                    "logging.every_steps=1000",
                ] + more)
                .flatMap { ["--set", $0] }
            }
            // The first one is due a second after the start, for nothing else writes one.
            let run = try WorkerRun(job, ranks: 2, options(1_000_000, "run", ["checkpoints.every=1s"]))
            try waitUntil("two checkpoints") { try records.checkpointSteps().count >= 2 || !run.isRunning }
            run.killEverything()
            try run.waitUntilGone()
            let found = try #require(try records.newestCheckpoint()).manifest
            #expect(found.step > 1)
            // Inside of an epoch too: an epoch has four steps.
            let epochs = found.epoch + 2
            let end = try WorkerRun.outcome(
                job, ranks: 2, options(epochs, "run", ["checkpoints.every=\(every)"]))
            #expect(end.status == 0, "\(end.errors)")
            let undisturbed = try WorkerRun.outcome(
                job, ranks: 2, options(epochs, "undisturbed", ["checkpoints.every_epochs=0"]))
            #expect(undisturbed.status == 0, "\(undisturbed.errors)")
            let expected = folder.records("undisturbed")
            try expectSameWeights(records, expected, nil, "checkpoints by time")
            #expect(try records.checkpointSteps().first == 4 * epochs, "the last step has one")
        }

        /// What callbacks remember, the learning rate that they set and the weights that they keep are in the checkpoints.
        @Test func killsChangeNoDecisionOfACallback() throws {
            let callbacks = """
                callbacks=[{class: EarlyStopping, patience: 100000, restore_best_weights: true},
                {class: ReduceLROnPlateau, patience: 2, factor: 0.7, cooldown: 1},
                {class: ModelCheckpoint, monitor: val_kind_accuracy}]
                """
            var campaign = KillCampaign(
                kills: KillCampaign.requestedKills, ranks: [2, 1, 4], seed: 3, sample: .twoHeads,
                overrides: [callbacks.replacing("\n", with: ""), "training.reproducible=strict"])
            #expect(try campaign.run() > KillCampaign.requestedKills)
        }
    }
}
