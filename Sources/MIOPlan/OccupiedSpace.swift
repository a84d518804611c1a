/// Which offsets of an arena are taken at which moments: finds the lowest free place for a block's whole life.
///
/// A segment tree over the moments. A node stands for a range of moments and has two sets of offsets: those that a
/// block takes at any moment of the range (`touched`), and those that a block takes during all of it (`covering`). A
/// block enters O(log moments) nodes, and a search looks at as many: the time is about linear in the number of
/// blocks, where comparing each block with all others would be quadratic.
struct OccupiedSpace {
    private var touched: [OffsetSet]
    private var covering: [OffsetSet]
    private let leaves: Int
    /// By moment: the lowest offset that was free there for so many bytes.
    private var gaps: [(bytes: Int, offset: Int)]
    /// The moment at which most blocks live; `nil` if none is known.
    private let middle: Int?

    /// - Parameters:
    ///   - moments: lives lie in `0..<moments`.
    ///   - middle: the moment at which most blocks live: that of the losses.
    init(moments: Int, middle: Int? = nil) {
        gaps = Array(repeating: (0, 0), count: moments)
        self.middle = middle
        var leaves = 1
        while leaves < moments { leaves *= 2 }
        self.leaves = leaves
        touched = [OffsetSet](repeating: OffsetSet(), count: 2 * leaves)
        covering = touched
    }

    /// The lowest offset at which `bytes` are free at every moment of `life`.
    ///
    /// Space only fills up: what did not fit at a moment does not fit later. So the search goes on where the last one for
    /// as many bytes ended, at three moments of the life; where many blocks live at one moment, as around a wide
    /// Concatenate, none of them goes through all the others.
    mutating func lowestOffset(bytes: Int, life: ClosedRange<Int>) -> Int {
        var start = 0
        for moment in [life.lowerBound, (life.lowerBound + life.upperBound) / 2, life.upperBound] {
            start = max(start, firstGap(of: bytes, at: moment))
        }
        if let middle, life.contains(middle) { start = max(start, firstGap(of: bytes, at: middle)) }
        var sets: [OffsetSet] = []
        collect(1, 0..<leaves, life, into: &sets)
        return Self.firstGap(of: bytes, from: start, in: sets)
    }

    private mutating func firstGap(of bytes: Int, at moment: Int) -> Int {
        var sets: [OffsetSet] = []
        var node = leaves + moment
        while node > 0 {
            if !covering[node].isEmpty { sets.append(covering[node]) }
            node /= 2
        }
        let known = gaps[moment]
        let offset = Self.firstGap(
            of: bytes, from: known.bytes == bytes ? known.offset : 0, in: sets)
        gaps[moment] = (bytes, offset)
        return offset
    }

    private static func firstGap(of bytes: Int, from start: Int, in sets: [OffsetSet]) -> Int {
        var offset = start
        var isFree = false
        // Each set may push the block up; until none does.
        while !isFree {
            isFree = true
            for set in sets {
                let moved = set.firstGap(of: bytes, from: offset)
                if moved != offset {
                    offset = moved
                    isFree = false
                }
            }
        }
        return offset
    }

    /// The sets that between them hold every block whose life meets `life`.
    private func collect(
        _ node: Int, _ range: Range<Int>, _ life: ClosedRange<Int>, into sets: inout [OffsetSet]
    ) {
        guard life.lowerBound < range.upperBound, range.lowerBound <= life.upperBound else { return }
        if life.lowerBound <= range.lowerBound, range.upperBound <= life.upperBound + 1 {
            if !touched[node].isEmpty { sets.append(touched[node]) }
            return
        }
        if !covering[node].isEmpty { sets.append(covering[node]) }
        let middle = (range.lowerBound + range.upperBound) / 2
        collect(2 * node, range.lowerBound..<middle, life, into: &sets)
        collect(2 * node + 1, middle..<range.upperBound, life, into: &sets)
    }

    mutating func insert(_ offsets: Range<Int>, life: ClosedRange<Int>) {
        insert(offsets, life, 1, 0..<leaves)
    }

    private mutating func insert(
        _ offsets: Range<Int>, _ life: ClosedRange<Int>, _ node: Int, _ range: Range<Int>
    ) {
        guard life.lowerBound < range.upperBound, range.lowerBound <= life.upperBound else { return }
        touched[node].insert(offsets)
        if life.lowerBound <= range.lowerBound, range.upperBound <= life.upperBound + 1 {
            covering[node].insert(offsets)
            return
        }
        let middle = (range.lowerBound + range.upperBound) / 2
        insert(offsets, life, 2 * node, range.lowerBound..<middle)
        insert(offsets, life, 2 * node + 1, middle..<range.upperBound)
    }
}

/// A set of offsets, as ranges in ascending order that do not meet.
struct OffsetSet {
    private var ranges: [Range<Int>] = []

    var isEmpty: Bool { ranges.isEmpty }

    /// The index of the first range that ends behind `offset`.
    private func firstIndex(endingBehind offset: Int) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The lowest offset, `start` or above, from which on `bytes` are not in the set.
    func firstGap(of bytes: Int, from start: Int) -> Int {
        var offset = start
        var index = firstIndex(endingBehind: start)
        while index < ranges.count, ranges[index].lowerBound < offset + bytes {
            offset = ranges[index].upperBound
            index += 1
        }
        return offset
    }

    mutating func insert(_ range: Range<Int>) {
        // Ranges that touch become one.
        let first = firstIndex(endingBehind: range.lowerBound - 1)
        var last = first
        var joined = range
        while last < ranges.count, ranges[last].lowerBound <= range.upperBound {
            joined =
                min(
                    joined.lowerBound, ranges[last].lowerBound)..<max(
                    joined.upperBound, ranges[last].upperBound)
            last += 1
        }
        ranges.replaceSubrange(first..<last, with: CollectionOfOne(joined))
    }
}
