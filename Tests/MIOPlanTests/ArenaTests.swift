import MIOBase
import MIOPlan
import Testing

@Suite struct ArenaTests {
    /// What the arena promises, computed the plain way: each block at the lowest offset that none of the blocks placed
    /// before it takes at any moment of its life.
    private func plainOffsets(_ blocks: [(bytes: Int, life: ClosedRange<Int>)]) -> [Int] {
        var offsets = [Int](repeating: 0, count: blocks.count)
        var placed: [Int] = []
        for index in blocks.indices.sorted(by: { (-blocks[$0].bytes, $0) < (-blocks[$1].bytes, $1) }) {
            let others = placed.filter { blocks[$0].life.overlaps(blocks[index].life) }
                .sorted { offsets[$0] < offsets[$1] }
            var offset = 0
            for other in others {
                if offset + blocks[index].bytes <= offsets[other] { break }
                offset = max(offset, offsets[other] + blocks[other].bytes)
            }
            offsets[index] = offset
            placed.append(index)
        }
        return offsets
    }

    private func place(_ blocks: [(bytes: Int, life: ClosedRange<Int>)]) -> [Int] {
        var arena = Arena()
        for block in blocks { _ = arena.add(bytes: block.bytes, life: block.life) }
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
            return (bytes: 64 * (1 + Int(random.nextWord()) % sizes), life: start...end)
        }
        #expect(place(blocks) == plainOffsets(blocks))
    }

    /// A chain in training, a chain without backward, and many calls on one input that meet in one layer.
    @Test func placesOfUsualModels() {
        typealias Block = (bytes: Int, life: ClosedRange<Int>)
        let count = 300
        let end = 2 * count
        var (chain, forward, fan): ([Block], [Block], [Block]) = ([], [], [])
        for index in 0..<count {
            let back = end - index
            chain += [(64, index...back), (64, back...back + 1)]
            forward.append((64 * (1 + index % 3), index...index + 1))
            fan += [(128, index...count), (128, count...back)]
        }
        for blocks in [chain, forward, fan] { #expect(place(blocks) == plainOffsets(blocks)) }
    }

    /// Places begin at cache lines, however many bytes their elements have.
    @Test func placesAreAligned() {
        var arena = Arena()
        for bytes in [1, 3, 64, 65, 200, 6, 1] { _ = arena.add(bytes: bytes, life: 0...3) }
        arena.place()
        #expect(arena.blocks.map(\.bytes) == [64, 64, 64, 128, 256, 64, 64])
        #expect(arena.blocks.allSatisfy { $0.offset % Arena.alignment == 0 })
        #expect(arena.bytes == 704)
    }
}
