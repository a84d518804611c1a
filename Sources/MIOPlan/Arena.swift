/// Places blocks of memory that live for a while into one arena, so that blocks whose lives do not meet may
/// share memory: the largest first, each at the lowest offset that is free for its whole life.
package struct Arena {
    package struct Block {
        package let elements: Int
        /// The first and last moment at which its content matters.
        package var life: ClosedRange<Int>
        package var offset = 0
    }

    package private(set) var blocks: [Block] = []
    package private(set) var elements = 0

    package init() {}

    /// A cache line of 32-bit elements.
    static let alignment = 16

    static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

    package mutating func add(elements: Int, life: ClosedRange<Int>) -> Int {
        blocks.append(Block(elements: Self.aligned(max(elements, 1)), life: life))
        return blocks.count - 1
    }

    mutating func extend(_ block: Int, to moment: Int) {
        let life = blocks[block].life
        blocks[block].life = min(life.lowerBound, moment)...max(life.upperBound, moment)
    }

    package mutating func place() {
        let last = blocks.map(\.life.upperBound).max() ?? 0
        var occupied = OccupiedSpace(moments: last + 1, middle: last / 2)
        let order = blocks.indices.sorted { (-blocks[$0].elements, $0) < (-blocks[$1].elements, $1) }
        for index in order {
            let block = blocks[index]
            let offset = occupied.lowestOffset(elements: block.elements, life: block.life)
            occupied.insert(offset..<offset + block.elements, life: block.life)
            blocks[index].offset = offset
            elements = max(elements, offset + block.elements)
        }
    }
}
