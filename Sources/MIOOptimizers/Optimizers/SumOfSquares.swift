import CVectorLoops

/// Σ xᵢ² in double precision, for norms; finite exactly if every element is.
///
/// The order of the additions depends on `count` alone, so all machines get the same bits for the same
/// elements: they decide alike whether and how much to clip.
/// - Parameter values: `count` elements, of any alignment.
package func sumOfSquares(_ values: UnsafePointer<Float>, count: Int) -> Double {
    precondition(count >= 0, "negative count \(count)")
    return mio_sum_of_squares(count, values)
}
