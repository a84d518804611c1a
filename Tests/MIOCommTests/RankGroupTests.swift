import MIOComm
import Testing

@Suite struct RankGroupTests {
    @Test func placesFollowFromTheRank() {
        let group = RankGroup(worldRank: 5, worldSize: 8, size: 4)
        #expect((group.rank, group.size, group.index, group.count) == (1, 4, 1, 2))
    }

    @Test func equalMachinesInSequenceAreGroups() {
        #expect(RankGroup.size(lowestRanks: [0, 0, 2, 2], ranksOnMachine: [2, 2, 2, 2]) == 2)
        #expect(RankGroup.size(lowestRanks: [0, 0, 0, 0], ranksOnMachine: [4, 4, 4, 4]) == 4)
    }

    @Test func ranksDealtOutInTurnAreAlone() {
        #expect(RankGroup.size(lowestRanks: [0, 1, 0, 1], ranksOnMachine: [2, 2, 2, 2]) == 1)
    }

    @Test func unequalMachinesMakeEveryRankAlone() {
        #expect(RankGroup.size(lowestRanks: [0, 0, 2], ranksOnMachine: [2, 2, 1]) == 1)
    }

    @Test func aLimitDividesAMachine() {
        let (lowest, on) = ([0, 0, 0, 0], [4, 4, 4, 4])
        #expect(RankGroup.size(lowestRanks: lowest, ranksOnMachine: on, most: 2) == 2)
        #expect(RankGroup.size(lowestRanks: lowest, ranksOnMachine: on, most: 3) == 1)
        #expect(RankGroup.size(lowestRanks: lowest, ranksOnMachine: on, most: 9) == 4)
    }
}
