import MIOBase
import MIOComm
import MIOThreads
import Testing

/// Misuse stops the program: a gradient reduced in another order on another rank would be silently wrong.
@Suite struct ReductionMisuseTests {
    private static func reduction() -> GradientReduction {
        let communicator = LoopbackCommunicator()
        let partition = GradientPartition(weights: [0..<5, 5..<10], buckets: [1, 1], ranks: 1)
        var layout = SharedLayout()
        let places = GradientReduction.Memory.Places(
            in: &layout, group: communicator.group, partition: partition, elements: 10, numbers: 1)
        return GradientReduction(
            communicator: communicator, partition: partition,
            memory: GradientReduction.Memory(
                communicator.shareMemory(byteCount: layout.byteCount), at: places))
    }

    @Test func aBucketOutOfOrderStops() async {
        await #expect(processExitsWith: .failure) {
            let reduction = Self.reduction()
            reduction.begin()
            try reduction.bucketReady(1)
        }
    }

    @Test func aBucketReadyTwiceStops() async {
        await #expect(processExitsWith: .failure) {
            let reduction = Self.reduction()
            reduction.begin()
            try reduction.bucketReady(0)
            try reduction.bucketReady(0)
        }
    }

    @Test func finishingWithABucketMissingStops() async {
        await #expect(processExitsWith: .failure) {
            let reduction = Self.reduction()
            reduction.begin()
            try reduction.bucketReady(0)
            try reduction.finish()
        }
    }

    @Test func beginningTwiceStops() async {
        await #expect(processExitsWith: .failure) {
            let reduction = Self.reduction()
            reduction.begin()
            reduction.begin()
        }
    }

    @Test func theRightOrderDoesNotStop() async {
        await #expect(processExitsWith: .success) {
            let reduction = Self.reduction()
            for _ in 0..<2 {
                reduction.begin()
                try reduction.bucketReady(0)
                try reduction.bucketReady(1)
                try reduction.progress()
                try reduction.finish()
                try reduction.publish()
            }
        }
    }
}

@Suite struct CompletedBucketTests {
    @Test func aRankTellsHowManyBucketsItHasCompleted() throws {
        let communicator = LoopbackCommunicator()
        let partition = GradientPartition(weights: [0..<5, 5..<10], buckets: [1, 1], ranks: 1)
        var layout = SharedLayout()
        let places = GradientReduction.Memory.Places(
            in: &layout, group: communicator.group, partition: partition, elements: 10, numbers: 1)
        let word = Storage<UInt64>(count: 1)
        let reduction = GradientReduction(
            communicator: communicator, partition: partition,
            memory: GradientReduction.Memory(
                communicator.shareMemory(byteCount: layout.byteCount), at: places),
            completed: word.pointer)
        for _ in 0..<2 {
            reduction.begin()
            var told: [UInt64] = []
            for bucket in 0..<2 {
                try reduction.bucketReady(bucket)
                told.append(word.pointer[0])
            }
            try reduction.finish()
            try reduction.publish()
            #expect(told == [1, 2])
            // It stays for whoever looks.
            #expect(word.pointer[0] == 2)
        }
    }
}

/// Without squares, each block says whether its sum is finite: that of a bucket in one block, in a loop that also adds up.
@Suite(.timeLimit(.minutes(1))) struct FiniteSumTests {
    /// One value of the last rank, and whether its sum with the others' 2¹²⁷ is finite.
    private static let values: [(Float, Bool)] = [
        (1, true), (-.infinity, false), (.nan, false), (-.nan, false), (.greatestFiniteMagnitude, false),
    ]

    @Test(arguments: 1...5, [GradientReduction.Sums.slices, .everywhere])
    func aBlockWhoseSumIsNotFiniteIsFound(ranks: Int, leaves: GradientReduction.Sums) throws {
        // Blocks of 2048, 2048 and 5 elements, dealt out to the ranks.
        let count = 4101
        for (value, isFinite) in Self.values where ranks > 1 || value != .greatestFiniteMagnitude {
            for place in [0, 2047, 2050, 4100] {
                let squares = try InProcessCommunicator.run(worldSize: ranks) { communicator in
                    let partition = GradientPartition(weights: [0..<count], buckets: [1], ranks: ranks)
                    var layout = SharedLayout()
                    let places = GradientReduction.Memory.Places(
                        in: &layout, group: communicator.group, partition: partition, elements: count,
                        numbers: 1)
                    let memory = GradientReduction.Memory(
                        try communicator.shareMemory(byteCount: layout.byteCount), at: places)
                    let reduction = GradientReduction(
                        communicator: communicator, partition: partition, memory: memory, needsSquares: false,
                        leaves: leaves)
                    let own = memory.gradients[communicator.rank].pointer
                    if communicator.rank == 0 { own[place] = 0x1p127 }
                    if communicator.rank == ranks - 1 { own[place] = value }
                    reduction.begin()
                    try reduction.bucketReady(0)
                    try reduction.finish()
                    try reduction.publish()
                    return [Double](memory.squares.buffer)
                }
                let block = place / 2048
                let expected = (0..<3).map { $0 == block && !isFinite ? Double.infinity : 0 }
                #expect(squares.allSatisfy { $0 == expected }, "\(value) at \(place): \(squares)")
            }
        }
    }
}

/// The members of a rank's team add up parts of its slices: the same bits, whoever adds them up.
@Suite(.timeLimit(.minutes(1))) struct TeamReductionTests {
    /// More than members are woken for, in two buckets, the last block a short one.
    private static let count = 100_001

    /// Everything that every rank has after two steps, the slices as they lie in its gradients.
    private func results(
        members: Int, ranks: Int, ranksPerGroup: Int, needsSquares: Bool
    ) throws -> [[Double]] {
        try InProcessCommunicator.run(worldSize: ranks, groupSize: ranksPerGroup) { communicator in
            let group = communicator.group
            let partition = GradientPartition(
                weights: [0..<40_000, 40_000..<Self.count], buckets: [1, 1], ranks: group.size)
            var layout = SharedLayout()
            let places = GradientReduction.Memory.Places(
                in: &layout, group: group, partition: partition, elements: Self.count, numbers: 1)
            let memory = GradientReduction.Memory(
                try communicator.shareMemory(byteCount: layout.byteCount), at: places)
            let team = try ThreadTeam(count: members)
            let reduction = GradientReduction(
                communicator: communicator, partition: partition, memory: memory, between: .tree,
                needsSquares: needsSquares, team: team)
            let own = memory.gradients[group.rank].pointer
            var found: [Double] = []
            for step in 0..<2 {
                var random = PhiloxSequence(seed: UInt64(step), stream: UInt64(communicator.rank))
                for i in 0..<Self.count { own[i] = random.nextUniform(-1, 1) }
                // One that no rank can add up.
                if step == 1, communicator.rank == 0 { own[70_000] = .infinity }
                reduction.begin()
                // While the team works a rank adds up alone.
                if step == 0 {
                    var failure: CommunicationError?
                    team.run { member in
                        guard member == 0 else { return }
                        do throws(CommunicationError) { try reduction.bucketReady(0) } catch {
                            failure = error
                        }
                    }
                    if let failure { throw failure }
                } else {
                    try reduction.bucketReady(0)
                }
                try reduction.bucketReady(1)
                try reduction.finish()
                for run in partition.runs(ofRank: group.rank) { found += run.range.map { Double(own[$0]) } }
                found += memory.squares.buffer
                try reduction.publish()
            }
            return found
        }
    }

    @Test(arguments: [(1, 1), (2, 2), (3, 3), (2, 1), (4, 2)], [true, false])
    func bitsDoNotDependOnTheTeam(_ ranks: (all: Int, perGroup: Int), needsSquares: Bool) throws {
        func results(_ members: Int) throws -> [[Double]] {
            try self.results(
                members: members, ranks: ranks.all, ranksPerGroup: ranks.perGroup, needsSquares: needsSquares)
        }
        let alone = try results(1)
        #expect(alone.allSatisfy { rank in rank.contains { !$0.isFinite } })
        for members in 2...3 { #expect(try results(members) == alone, "\(members) members") }
    }
}
