/// The index of the first of the largest values of a row (`argmax`).
func firstLargest(_ row: UnsafePointer<Float>, width: Int) -> Int {
    var best = 0
    for index in 1..<max(width, 1) where row[index] > row[best] { best = index }
    return best
}

/// Whether a class is among the k best of a row of scores: fewer than k scores are strictly greater.
///
/// Ties count in its favour; a class out of range, or one whose score is not finite, is never among them
/// (TensorFlow's and Keras' `in_top_k`).
func isInTop(_ k: Int, _ row: UnsafePointer<Float>, width: Int, class index: Int) -> Bool {
    guard 0..<width ~= index, row[index].isFinite else { return false }
    var greater = 0
    for other in 0..<width where row[other] > row[index] { greater += 1 }
    return greater < k
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
