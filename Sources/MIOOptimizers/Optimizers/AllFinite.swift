import CVectorLoops

/// Whether none of the elements is infinite or not a number: at the speed of the memory, where the sum of squares
/// would wait for its additions.
/// - Parameter values: `count` elements, of any alignment.
package func areFinite(_ values: UnsafePointer<Float>, count: Int) -> Bool {
    precondition(count >= 0, "negative count \(count)")
    return mio_all_finite(count, values) != 0
}

/// Copies `count` elements to where nothing overlaps, and says whether all of them are finite: in one pass.
package func copyFinite(
    _ values: UnsafePointer<Float>, count: Int, to target: UnsafeMutablePointer<Float>
) -> Bool {
    precondition(count >= 0, "negative count \(count)")
    return mio_copy_finite(count, values, target) != 0
}
