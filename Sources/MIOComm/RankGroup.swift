/// The ranks that share memory with one another: those of a machine, or fewer.
///
/// Groups are equally large and hold consecutive ranks: rank r is rank `r % size` of group `r / size`. Where a
/// launcher spread the ranks otherwise, every rank is a group of its own.
package struct RankGroup: Hashable, Sendable {
    /// This rank within its group, in `0..<size`.
    package let rank: Int
    package let size: Int
    /// Its group among the groups, in `0..<count`.
    package let index: Int
    package let count: Int

    /// - Precondition: `size` divides the world.
    package init(worldRank: Int, worldSize: Int, size: Int) {
        precondition(size > 0 && worldSize % size == 0, "groups of \(size) in a world of \(worldSize)")
        self.size = size
        rank = worldRank % size
        index = worldRank / size
        count = worldSize / size
    }

    /// How many ranks a group can have.
    /// - Parameters:
    ///   - lowestRanks: for each rank, the lowest rank on its machine.
    ///   - ranksOnMachine: for each rank, the ranks on its machine.
    ///   - most: the most ranks of a group; `nil` for no limit. It must divide the ranks of a machine, else every
    ///     rank is alone.
    /// - Returns: 1 unless all machines have equally many ranks, in sequence.
    package static func size(lowestRanks: [Int], ranksOnMachine: [Int], most: Int? = nil) -> Int {
        guard let onMachine = ranksOnMachine.first, ranksOnMachine.allSatisfy({ $0 == onMachine }),
            lowestRanks.enumerated().allSatisfy({ $1 == $0 / onMachine * onMachine })
        else { return 1 }
        guard let most, most < onMachine else { return onMachine }
        return most > 0 && onMachine % most == 0 ? most : 1
    }
}
