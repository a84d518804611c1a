/// Arithmetic of sizes that a job or a file asks for: what does not fit 64 bits is `Int.max`, which no memory has.
///
/// A size that wrapped around would pass every comparison, and one that trapped would end the program without a word.
extension Int {
    /// The product of two sizes, neither negative; `Int.max` if it is larger.
    @inlinable
    package func clampedTimes(_ other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }

    /// The sum of two sizes, neither negative; `Int.max` if it is larger.
    @inlinable
    package func clampedPlus(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
