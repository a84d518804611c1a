import MIOComm
import MIOTensor
import Testing

/// Misuse stops the program: a gradient reduced in another order on another rank would be silently wrong.
@Suite struct ReductionMisuseTests {
    private static func reduction() -> GradientReduction {
        let communicator = LoopbackCommunicator()
        let partition = GradientPartition(parameters: [0..<5, 5..<10], buckets: [1, 1], ranks: 1)
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
                    let partition = GradientPartition(parameters: [0..<count], buckets: [1], ranks: ranks)
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
