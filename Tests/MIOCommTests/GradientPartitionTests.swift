import MIOComm
import Testing

@Suite struct GradientPartitionTests {
    private static let weights = [0..<10, 16..<6000, 6000..<6001, 6016..<20000]

    @Test(arguments: 1...9) func slicesCoverEverythingOnce(ranks: Int) {
        let partition = GradientPartition(weights: Self.weights, buckets: [2, 2], ranks: ranks)
        let runs = (0..<ranks).flatMap { partition.runs(ofRank: $0) }
            .sorted { $0.range.lowerBound < $1.range.lowerBound }
        var end = 0
        for run in runs {
            #expect(run.range.lowerBound == end)
            #expect(run.range.lowerBound >= Self.weights[run.weight].lowerBound)
            end = run.range.upperBound
        }
        #expect(end == 20000)
    }

    @Test func blocksAreTheSameAtAnyNumberOfRanks() {
        let one = GradientPartition(weights: Self.weights, buckets: [4], ranks: 1)
        for ranks in 2...5 {
            let other = GradientPartition(weights: Self.weights, buckets: [1, 3], ranks: ranks)
            #expect(other.blocks == one.blocks)
        }
    }

    /// No slice is longer than its share by more than a block of 2048 elements.
    @Test(arguments: 2...7) func slicesAreAboutEqual(ranks: Int) {
        let partition = GradientPartition(weights: [0..<100_000], buckets: [1], ranks: ranks)
        for rank in 0..<ranks {
            let length = partition.runs(ofRank: rank).reduce(0) { $0 + $1.range.count }
            #expect(abs(length - 100_000 / ranks) <= 2048)
        }
    }

    @Test func aBucketOfOneSmallParameterHasOneOwner() {
        let partition = GradientPartition(weights: [0..<3], buckets: [1], ranks: 4)
        #expect((0..<4).map { partition.blocks(ofBucket: 0, rank: $0).count }.sorted() == [0, 0, 0, 1])
    }
}
