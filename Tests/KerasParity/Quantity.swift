import MIOBase

/// What Keras computed, and how far another program may be from it.
package struct Quantity: Sendable {
    package let place: String
    /// Keras in float64.
    package let value: [Double]
    /// One for each value.
    package let tolerance: [Double]

    package init(_ golden: Golden) throws {
        place = golden.place
        value = try golden["value"].numbers
        let tolerances = try golden["tolerance"].numbers
        tolerance =
            tolerances.count == 1 ? [Double](repeating: tolerances[0], count: value.count) : tolerances
        guard tolerance.count == value.count, tolerance.allSatisfy({ $0 >= 0 }) else {
            throw Golden.FormatError(
                description: "\(place): \(tolerance.count) tolerances for \(value.count) values")
        }
    }

    /// The result that is furthest off, in tolerances.
    /// - Parameter factor: multiplies the tolerances: less than 1 for a program more precise than float32.
    package func worst(_ results: [Double], factor: Double = 1) -> Deviation {
        guard results.count == value.count else {
            return Deviation(
                place: "\(place): \(results.count) results for \(value.count) values", index: 0,
                expected: .nan, received: .nan, tolerance: 0)
        }
        let all = results.indices.map { index in
            Deviation(
                place: place, index: index, expected: value[index], received: results[index],
                tolerance: tolerance[index] * factor)
        }
        return all.max { $0.ratio < $1.ratio }
            ?? Deviation(place: place, index: 0, expected: 0, received: 0, tolerance: 0)
    }
}

/// How far one result is from its golden value.
package struct Deviation: Sendable, CustomStringConvertible {
    package let place: String
    package let index: Int
    package let expected: Double
    package let received: Double
    package let tolerance: Double

    /// |received − expected| ÷ tolerance: at most 1 is well. Infinite for what is no number.
    package var ratio: Double {
        let difference = abs(received - expected)
        if difference == 0 { return 0 }
        return difference.isNaN || tolerance == 0 ? .infinity : difference / tolerance
    }

    package var isWithinTolerance: Bool { ratio <= 1 }

    package var description: String {
        "\(place)[\(index)]: \(received), Keras \(expected), \(ratio) of the tolerance \(tolerance)"
    }
}
