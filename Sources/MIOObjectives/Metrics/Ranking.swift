import CDenseLoops

/// The index of the first of the largest values of a row (`argmax`).
func firstLargest(_ row: UnsafePointer<Float>, width: Int) -> Int {
    Int(mio_first_largest(row, Int64(width)))
}

/// Whether a class is among the k best of a row of scores: fewer than k scores are strictly greater.
///
/// Ties count in its favour; a class out of range, or one whose score is not finite, is never among them
/// (TensorFlow's and Keras' `in_top_k`).
func isInTop(_ k: Int, _ row: UnsafePointer<Float>, width: Int, class index: Int) -> Bool {
    guard 0..<width ~= index, row[index].isFinite else { return false }
    return mio_count_larger(row, Int64(width), row[index]) < k
}

extension MetricCall {
    /// The class index of a position; −1, which equals no prediction, if the target is none.
    func classIndex(_ position: Int) -> Int {
        let target = targets[position]
        // Within these bounds a conversion neither traps nor calls a function.
        guard target >= 0, target < Float(Int32.max) else { return -1 }
        let index = Int(target)
        return Float(index) == target ? index : -1
    }
}
