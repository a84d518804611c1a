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
    }
}
