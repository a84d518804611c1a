/// Sums in the order of a binary tree: the first half's sum plus the second half's, each made alike.
///
/// The order depends on the terms' number alone. Consecutive terms, as many as a power of two, form a subtree: whoever
/// holds them can add them up first. That is what makes 1, 2, 4 and 8 ranks give the same bits.
@usableFromInline
package enum TreeOrder {
    /// Adds up rows of equal length into the first of them.
    /// - Parameter values: (terms, count); what is behind the first row is overwritten.
    @inlinable
    package static func sum<Element: FloatingPoint>(
        _ values: UnsafeMutablePointer<Element>, terms: Int, count: Int
    ) {
        guard terms > 1 else { return }
        let first = (terms + 1) / 2
        let second = values + first * count
        sum(values, terms: first, count: count)
        sum(second, terms: terms - first, count: count)
        for index in 0..<count { values[index] += second[index] }
    }
}

extension Communicator {
    /// The sum of every rank's numbers, in the order of a tree over the ranks: the same bits everywhere.
    /// - Throws: `CommunicationError`.
    package func sumInTreeOrder(_ values: [Double]) throws(CommunicationError) -> [Double] {
        var rows = try allgather([UInt8](littleEndian: values.map(\.bitPattern))).flatMap { bytes in
            bytes.littleEndianWords.map(Double.init(bitPattern:))
        }
        add(CommunicationStatistics(bytesReduced: values.count * MemoryLayout<Double>.stride))
        rows.withUnsafeMutableBufferPointer {
            guard let start = $0.baseAddress else { return }
            TreeOrder.sum(start, terms: size, count: values.count)
        }
        return Array(rows.prefix(values.count))
    }
}
