import MIOBase

extension Golden {
    /// The worst deviation of a tensor from a *tensor of results* (README, "Results").
    /// - Parameters:
    ///   - values: all elements, row-major.
    ///   - seed: the file's: the signs of the projection are drawn from it.
    ///   - factor: multiplies the tolerances.
    package func worst<T: Scalar>(of values: [T], seed: UInt64, factor: Double = 1) throws -> Deviation {
        let numbers = values.map { Double($0) }
        let count = Shape(try self["shape"].integers).count
        guard numbers.count == count else {
            throw FormatError(description: "\(place): \(numbers.count) elements, Keras has \(count)")
        }
        if let all = try optional("values") { return try Quantity(all).worst(numbers, factor: factor) }
        var random = PhiloxSequence(seed: seed, stream: 9000)
        // Sums of thousands of numbers, to the last bits that Keras' double precision is held to.
        let sum = Self.pairwiseSum(numbers[...])
        let squares = Self.pairwiseSum(numbers.map { $0 * $0 }[...])
        let projection = Self.pairwiseSum(numbers.map { $0 * Double(random.nextUniform(-1, 1)) }[...])
        let deviations = try [
            ("first", Array(numbers.prefix(8))), ("last", Array(numbers.suffix(8))), ("sum", [sum]),
            ("sum_of_squares", [squares]), ("projection", [projection]),
        ].map { try Quantity(self[$0]).worst($1, factor: factor) }
        return deviations.max { $0.ratio < $1.ratio } ?? deviations[0]
    }

    /// The sum of each half's sum, as numpy adds up: its error grows with the logarithm of the count.
    private static func pairwiseSum(_ numbers: ArraySlice<Double>) -> Double {
        guard numbers.count > 8 else { return numbers.reduce(0, +) }
        let middle = numbers.startIndex + numbers.count / 2
        return pairwiseSum(numbers[..<middle]) + pairwiseSum(numbers[middle...])
    }
}
