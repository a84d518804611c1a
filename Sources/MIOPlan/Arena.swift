/// Places blocks of memory that live for a while into one arena, so that blocks whose lives do not meet may
/// share memory: the largest first, each at the lowest offset that is free for its whole life.
struct Arena {
    struct Block {
        let elements: Int
        /// The first and last moment at which its content matters.
        var life: ClosedRange<Int>
        var offset = 0
    }

    private(set) var blocks: [Block] = []
    private(set) var elements = 0

    /// A cache line of 32-bit elements.
    static let alignment = 16

    static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

    mutating func add(elements: Int, life: ClosedRange<Int>) -> Int {
        blocks.append(Block(elements: Self.aligned(max(elements, 1)), life: life))
        return blocks.count - 1
    }

    mutating func extend(_ block: Int, to moment: Int) {
        let life = blocks[block].life
        blocks[block].life = min(life.lowerBound, moment)...max(life.upperBound, moment)
    }

    mutating func place() {
        var placed: [Int] = []
        let order = blocks.indices.sorted { (-blocks[$0].elements, $0) < (-blocks[$1].elements, $1) }
        for index in order {
            let contemporaries = placed.filter { blocks[$0].life.overlaps(blocks[index].life) }
                .sorted { blocks[$0].offset < blocks[$1].offset }
            var offset = 0
            for other in contemporaries {
                if offset + blocks[index].elements <= blocks[other].offset { break }
                offset = max(offset, blocks[other].offset + blocks[other].elements)
            }
            blocks[index].offset = offset
            elements = max(elements, offset + blocks[index].elements)
            placed.append(index)
        }
    }
}
