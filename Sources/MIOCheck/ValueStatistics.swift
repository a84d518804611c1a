import MIOBase

/// Smallest, mean and largest of the finite values of a column, and what is not finite.
package struct ValueStatistics: Sendable, Hashable {
    package private(set) var minimum = Float.infinity
    package private(set) var maximum = -Float.infinity
    /// Finite ones.
    package private(set) var count = 0
    package private(set) var nonFiniteCount = 0
    /// The row of the first value that is not finite.
    package private(set) var firstNonFiniteRow: Int?
    private var sum = 0.0

    /// Of the finite values; NaN without one.
    package var mean: Double { sum / Double(count) }

    mutating func add(_ values: UnsafeBufferPointer<Float>, row: Int) {
        for value in values {
            if value.isFinite {
                minimum = min(minimum, value)
                maximum = max(maximum, value)
                sum += Double(value)
                count += 1
            } else {
                nonFiniteCount += 1
                if firstNonFiniteRow == nil { firstNonFiniteRow = row }
            }
        }
    }
}
