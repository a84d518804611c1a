import MIOKernels

/// Adds up gradients of rows in the order of a tree: those of a turn's lanes, then of the turns. What `TreeOrder` and
/// `TreeAccumulator` do with whole gradients.
///
/// A row that a term lacks is 0 there, which changes no sum.
final class RowTree {
    private let turns: Int
    private let levels: [[RowGradients]]
    private var added = 0

    /// - Parameters:
    ///   - turns: a power of two.
    ///   - make: gradients of all tables, with room for the rows of all terms.
    init(turns: Int, make: () -> [RowGradients]) {
        self.turns = turns
        levels = (0..<turns.trailingZeroBitCount).map { _ in make() }
    }

    /// Adds up a turn's lanes into the first, and takes that as the next term. After the last of them it holds the sum.
    /// - Parameter lanes: for each lane the gradients of all tables.
    func take(_ lanes: [[RowGradients]]) {
        guard let first = lanes.first, !first.isEmpty else { return }
        for table in first.indices { Self.sum(lanes, lanes.indices, table) }
        var level = 0
        while added >> level & 1 == 1 {
            for table in first.indices { first[table].add(levels[level][table]) }
            level += 1
        }
        added += 1
        if added == turns {
            added = 0
        } else {
            for table in first.indices { levels[level][table].copy(first[table]) }
        }
    }

    /// Adds up some lanes into the first of them.
    private static func sum(_ lanes: [[RowGradients]], _ range: Range<Int>, _ table: Int) {
        guard range.count > 1 else { return }
        let middle = range.lowerBound + (range.count + 1) / 2
        sum(lanes, range.lowerBound..<middle, table)
        sum(lanes, middle..<range.upperBound, table)
        lanes[range.lowerBound][table].add(lanes[middle][table])
    }
}
