import CDenseLoops

/// How the scores of a row are ranked.
protocol RowRanking {
    /// The index of the first of the largest values of a row (`argmax`): a value takes the place of an earlier one if it is
    /// larger.
    static func firstLargest(_ row: UnsafePointer<Float>, width: Int) -> Int

    /// How many values of a row are larger than a number.
    static func countLarger(_ row: UnsafePointer<Float>, width: Int, than score: Float) -> Int
}

extension RowRanking {
    /// Whether a class is among the k best of a row of scores: fewer than k scores are strictly greater.
    ///
    /// Ties count in its favour; a class out of range, or one whose score is not finite, is never among them
    /// (TensorFlow's and Keras' `in_top_k`).
    @inline(__always)
    static func isInTop(_ k: Int, _ row: UnsafePointer<Float>, width: Int, class index: Int) -> Bool {
        guard 0..<width ~= index, row[index].isFinite else { return false }
        return countLarger(row, width: width, than: row[index]) < k
    }
}

/// The plain loops.
enum PlainRanking: RowRanking {
    static func firstLargest(_ row: UnsafePointer<Float>, width: Int) -> Int {
        var best = 0
        for index in 0..<width where row[index] > row[best] { best = index }
        return best
    }

    static func countLarger(_ row: UnsafePointer<Float>, width: Int, than score: Float) -> Int {
        var count = 0
        for index in 0..<width where row[index] > score { count += 1 }
        return count
    }
}

/// The loops in vectors.
enum VectorRanking: RowRanking {
    static func firstLargest(_ row: UnsafePointer<Float>, width: Int) -> Int {
        Int(mio_first_largest(row, Int64(width)))
    }

    static func countLarger(_ row: UnsafePointer<Float>, width: Int, than score: Float) -> Int {
        Int(mio_count_larger(row, Int64(width), score))
    }
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
