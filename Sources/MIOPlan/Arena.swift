import MIOBase

/// Places blocks of memory that live for a while into one arena, so that blocks whose lives do not meet may
/// share memory: the largest first, each at the lowest offset that is free for its whole life. It counts bytes: a place
/// holds elements of any type.
package struct Arena {
    package struct Block {
        package let bytes: Int
        /// The first and last moment at which its content matters.
        package var life: ClosedRange<Int>
        package var offset = 0
    }

    package private(set) var blocks: [Block] = []
    package private(set) var bytes = 0

    package init() {}

    /// Where places begin: at the bytes of a cache line.
    package static let alignment = 64

    /// The first place at or after so many bytes.
    package static func aligned(bytes: Int) -> Int {
        bytes.clampedPlus(alignment - 1) / alignment * alignment
    }

    /// The first place at or after so many 32-bit floats, in floats: of the slabs of weights.
    static func aligned(floats: Int) -> Int {
        aligned(bytes: floats.clampedTimes(MemoryLayout<Float>.stride)) / MemoryLayout<Float>.stride
    }

    /// A place for so many bytes.
    /// - Returns: the number of its block.
    package mutating func add(bytes: Int, life: ClosedRange<Int>) -> Int {
        blocks.append(Block(bytes: Self.aligned(bytes: max(bytes, 1)), life: life))
        return blocks.count - 1
    }

    mutating func extend(_ block: Int, to moment: Int) {
        let life = blocks[block].life
        blocks[block].life = min(life.lowerBound, moment)...max(life.upperBound, moment)
    }

    package mutating func place() {
        let last = blocks.map(\.life.upperBound).max() ?? 0
        var occupied = OccupiedSpace(moments: last + 1, middle: last / 2)
        let order = blocks.indices.sorted { (-blocks[$0].bytes, $0) < (-blocks[$1].bytes, $1) }
        for index in order {
            let block = blocks[index]
            let offset = occupied.lowestOffset(bytes: block.bytes, life: block.life)
            occupied.insert(offset..<offset + block.bytes, life: block.life)
            blocks[index].offset = offset
            bytes = max(bytes, offset + block.bytes)
        }
    }
}
