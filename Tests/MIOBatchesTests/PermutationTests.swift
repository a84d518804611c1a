import MIOBatches
import Testing

struct PermutationTests {
    @Test func isABijection() {
        for count in [0, 1, 2, 3, 4, 5, 7, 16, 17, 64, 97, 101, 255, 256, 257, 1009, 4096, 10_007, 65_537] {
            let permutation = Permutation(count: count, seed: 7, epoch: 3)
            let values = Set((0..<count).map { permutation[$0] })
            #expect(values.count == count)
            #expect(values.allSatisfy { (0..<count).contains($0) })
        }
    }

    @Test func dependsOnSeedAndEpochAlone() {
        func order(_ seed: UInt64, _ epoch: Int) -> [Int] {
            let permutation = Permutation(count: 100, seed: seed, epoch: epoch)
            return (0..<100).map { permutation[$0] }
        }
        #expect(order(1, 0) == order(1, 0))
        #expect(order(1, 0) != order(1, 1))
        #expect(order(1, 0) != order(2, 0))
        // Fixed for ever: a run must continue with the batches that it began with.
        #expect(Array(order(0, 0).prefix(8)) == [64, 65, 43, 13, 51, 48, 96, 98])
    }

    /// Vectors of positions and what is left over, with few and many values outside of the range.
    @Test func rangesAreAsTheirElements() {
        for count in [2, 3, 17, 100, 256, 257, 4096, 70_001] {
            for shuffle in [true, false] {
                let permutation = Permutation(count: count, seed: 2, epoch: 5, shuffle: shuffle)
                for range in [0..<count, 1..<min(34, count), count / 2..<count, count..<count] {
                    var order = [Int](repeating: -1, count: range.count + 1)
                    permutation.write(range, to: &order)
                    #expect(order == range.map { permutation[$0] } + [-1])
                }
            }
        }
    }

    @Test func withoutShuffleIsTheOrderOfTheData() {
        let permutation = Permutation(count: 9, seed: 5, epoch: 2, shuffle: false)
        #expect((0..<9).map { permutation[$0] } == Array(0..<9))
    }

    /// Each of the 6 orders of 3 elements: 6000 epochs give 1000 each; the standard deviation is 29.
    @Test func smallOrdersAreEquallyOften() {
        var counts: [[Int]: Int] = [:]
        for epoch in 0..<6000 {
            let permutation = Permutation(count: 3, seed: 11, epoch: epoch)
            counts[(0..<3).map { permutation[$0] }, default: 0] += 1
        }
        #expect(counts.count == 6)
        for (order, count) in counts { #expect(abs(count - 1000) < 5 * 29, "\(order): \(count)") }
    }

    /// The element at position 0 over 13,000 epochs: 1000 for each of 13; the standard deviation is 31.
    @Test func everyElementComesFirstEquallyOften() {
        var counts = [Int](repeating: 0, count: 13)
        for epoch in 0..<13_000 { counts[Permutation(count: 13, seed: 4, epoch: epoch)[0]] += 1 }
        for count in counts { #expect(abs(count - 1000) < 5 * 31, "\(counts)") }
    }

    /// Neighbours do not stay neighbours: of 10,006 pairs, about 2 differ by one by chance.
    @Test func neighboursAreSeparated() {
        let permutation = Permutation(count: 10_007, seed: 9, epoch: 0)
        let kept = (1..<10_007).count { abs(permutation[$0] - permutation[$0 - 1]) == 1 }
        #expect(kept < 12)
    }

    @Test func reachesBeyond32Bits() {
        let permutation = Permutation(count: 1 << 40, seed: 1, epoch: 0)
        let values = (0..<1000).map { permutation[$0] }
        #expect(Set(values).count == 1000)
        #expect(values.contains { $0 > 1 << 39 })
    }
}
