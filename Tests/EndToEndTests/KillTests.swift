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
