import CVectorLoops
import MIOBase

/// The values of a column that are NaN or infinite.
package struct NonFiniteValues: Hashable, Sendable {
    package struct Place: Hashable, Sendable {
        /// Of the data set.
        package let row: Int
        /// The position in the sample, in row-major order.
        package let element: Int
        package let value: Float
    }

    package private(set) var count = 0
    package private(set) var first: Place?

    fileprivate mutating func add(_ sample: UnsafeBufferPointer<Float>, row: Int) {
        for (element, value) in sample.enumerated() where !value.isFinite {
            count += 1
            first = first ?? Place(row: row, element: element, value: value)
        }
    }
}

extension Dataset {
    /// Floats that are looked at together, so that they stay in a core's cache.
    private static let floatsAtOnce = 1 << 16

    /// Looks for values that are NaN or infinite. Arrays of integers are not read: they have none.
    /// - Parameter rows: of the data set, all by default.
    package func nonFiniteValues(ofColumn column: Int, rows: Range<Int>? = nil) -> NonFiniteValues {
        var found = NonFiniteValues()
        let count = elementCount(ofColumn: column)
        for (shard, firstRow) in zip(shards, firstRows) {
            guard let array = shard.arrays[column], array.elementType.isFloatingPoint else { continue }
            let wanted = (rows ?? 0..<rowCount).clamped(to: firstRow..<firstRow + shard.rowCount)
            guard !wanted.isEmpty else { continue }
            scan(column: column, rows: wanted, rowsAtOnce: max(1, Self.floatsAtOnce / max(count, 1))) {
                rows, values in
                guard let start = values.baseAddress, mio_all_finite(values.count, start) == 0 else { return }
                for (offset, row) in rows.enumerated() {
                    found.add(
                        UnsafeBufferPointer(start: start + offset * count, count: count), row: row)
                }
            }
        }
        return found
    }

    /// The finite number of a file that 32-bit floats cannot hold, which is infinite once it is read; `nil` where the element is
    /// no such number.
    package func numberBeyondFloats(_ element: Int, row: Int, column: Int) -> String? {
        let place = place(ofRow: row)
        guard let array = shards[place.shard].arrays[column], array.elementType == .float64 else {
            return nil
        }
        let index = place.row * elementCount(ofColumn: column) + element
        let source = array.base + index * array.elementType.size
        let value = source.loadUnaligned(as: Double.self)
        return value.isFinite && Float(value).isInfinite ? array.text(ofElement: index) : nil
    }

    /// What an element of a sample is called: the name of a CSV file's column, or its position in the sample.
    package func elementName(_ element: Int, row: Int, column: Int) -> String {
        if shards[place(ofRow: row).shard].dialect != nil {
            let names = sourceNames[column]
            if names.indices.contains(element) { return "column \(quoted: names[element])" }
        }
        var rest = element
        var indices: [Int] = []
        for extent in columns[column].shape.dimensions.reversed() {
            indices.insert(rest % max(extent, 1), at: 0)
            rest /= max(extent, 1)
        }
        return indices.isEmpty || elementCount(ofColumn: column) == 1
            ? "the value" : "element [\(indices.map(String.init).joined(separator: ", "))]"
    }
}
