import MIOBase

/// How samples of one shape become samples of another without mixing up their elements, as a numpy expression of the
/// whole array, whose first axis is the samples.
package enum AxesAdvice {
    /// - Returns: half a sentence; `nil` if the shapes do not tell a way.
    package static func text(from found: Shape, to wanted: Shape, array: String) -> String? {
        let (found, wanted) = (found.dimensions, wanted.dimensions)
        guard found.reduce(1, *) == wanted.reduce(1, *), !found.contains(0) else { return nil }
        // Axes of one element can be anywhere: the order of elements stays.
        if found.filter({ $0 != 1 }) == wanted.filter({ $0 != 1 }) {
            return "the elements are in order: \(reshape(array, wanted))"
        }
        if found.count == wanted.count, let expression = transposition(found, wanted, array) {
            return "the axes are there in another order: \(expression)"
        }
        if splits(found, wanted) { return "if the elements are in this order, \(reshape(array, wanted))" }
        // Axes in another order, and then joined or split.
        for (source, target) in moves(found.count) {
            let moved = move(found, source, target)
            guard splits(moved, wanted) else { continue }
            return "the axes are there in another order: "
                + reshape(moveaxis(array, source, target, found.count), wanted)
        }
        return nil
    }

    private static func reshape(_ array: String, _ wanted: [Int]) -> String {
        "\(array).reshape(\((["-1"] + wanted.map(String.init)).joined(separator: ", ")))"
    }

    /// Moving one axis is what channels first and last differ by; any other order takes a transposition.
    private static func transposition(_ found: [Int], _ wanted: [Int], _ array: String) -> String? {
        for (source, target) in moves(found.count) where move(found, source, target) == wanted {
            return moveaxis(array, source, target, found.count)
        }
        var free = Array(found.indices)
        var order: [Int] = []
        for extent in wanted {
            guard let index = free.firstIndex(where: { found[$0] == extent }) else { return nil }
            order.append(free.remove(at: index))
        }
        return "np.transpose(\(array), (\((["0"] + order.map { "\($0 + 1)" }).joined(separator: ", "))))"
    }

    /// First to last and last to first before all others.
    private static func moves(_ rank: Int) -> [(source: Int, target: Int)] {
        guard rank > 1 else { return [] }
        let all = (0..<rank).flatMap { source in (0..<rank).map { (source: source, target: $0) } }
        return [(0, rank - 1), (rank - 1, 0)] + all.filter { $0.source != $0.target }
    }

    private static func move(_ shape: [Int], _ source: Int, _ target: Int) -> [Int] {
        var moved = shape
        moved.insert(moved.remove(at: source), at: target)
        return moved
    }

    private static func moveaxis(_ array: String, _ source: Int, _ target: Int, _ rank: Int) -> String {
        func axis(_ index: Int) -> String { index == rank - 1 ? "-1" : "\(index + 1)" }
        return "np.moveaxis(\(array), \(axis(source)), \(axis(target)))"
    }

    /// Whether one shape becomes the other by joining neighbouring axes and splitting single ones.
    private static func splits(_ found: [Int], _ wanted: [Int]) -> Bool {
        let (found, wanted) = (found.filter { $0 != 1 }, wanted.filter { $0 != 1 })
        var (i, j) = (0, 0)
        while i < found.count, j < wanted.count {
            var (a, b) = (found[i], wanted[j])
            var (countA, countB) = (1, 1)
            while a != b {
                if a < b {
                    guard i + countA < found.count else { return false }
                    a *= found[i + countA]
                    countA += 1
                } else {
                    guard j + countB < wanted.count else { return false }
                    b *= wanted[j + countB]
                    countB += 1
                }
            }
            if countA > 1, countB > 1 { return false }
            i += countA
            j += countB
        }
        return i == found.count && j == wanted.count
    }
}
