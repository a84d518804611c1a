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
