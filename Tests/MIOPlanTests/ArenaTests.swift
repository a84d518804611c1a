import MIOBase
import MIOPlan
import Testing

@Suite struct ArenaTests {
    /// What the arena promises, computed the plain way: each block at the lowest offset that none of the blocks placed
    /// before it takes at any moment of its life.
    private func plainOffsets(_ blocks: [(elements: Int, life: ClosedRange<Int>)]) -> [Int] {
        var offsets = [Int](repeating: 0, count: blocks.count)
        var placed: [Int] = []
        for index in blocks.indices.sorted(by: { (-blocks[$0].elements, $0) < (-blocks[$1].elements, $1) }) {
            let others = placed.filter { blocks[$0].life.overlaps(blocks[index].life) }
                .sorted { offsets[$0] < offsets[$1] }
            var offset = 0
            for other in others {
                if offset + blocks[index].elements <= offsets[other] { break }
                offset = max(offset, offsets[other] + blocks[other].elements)
            }
            offsets[index] = offset
            placed.append(index)
        }
        return offsets
    }

    private func place(_ blocks: [(elements: Int, life: ClosedRange<Int>)]) -> [Int] {
        var arena = Arena()
        for block in blocks { _ = arena.add(elements: block.elements, life: block.life) }
        arena.place()
        return arena.blocks.map(\.offset)
    }

    @Test(arguments: 0..<60) func placesAreThoseOfThePlainWay(seed: Int) {
        var random = PhiloxSequence(seed: UInt64(seed), stream: 3)
        let moments = [1, 2, 7, 40, 200][seed % 5]
        let sizes = [1, 3, 20][seed % 3]
        let blocks = (0..<120).map { _ in
            let start = Int(random.nextWord()) % moments
            let end = start + Int(random.nextWord()) % (moments - start)
            return (elements: 16 * (1 + Int(random.nextWord()) % sizes), life: start...end)
        }
        #expect(place(blocks) == plainOffsets(blocks))
    }

    /// A chain in training, a chain without backward, and many calls on one input that meet in one layer.
    @Test func placesOfUsualModels() {
        typealias Block = (elements: Int, life: ClosedRange<Int>)
        let count = 300
        let end = 2 * count
        var (chain, forward, fan): ([Block], [Block], [Block]) = ([], [], [])
        for index in 0..<count {
            let back = end - index
            chain += [(16, index...back), (16, back...back + 1)]
            forward.append((16 * (1 + index % 3), index...index + 1))
            fan += [(32, index...count), (32, count...back)]
        }
        for blocks in [chain, forward, fan] { #expect(place(blocks) == plainOffsets(blocks)) }
    }
}
