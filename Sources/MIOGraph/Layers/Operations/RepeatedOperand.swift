import MIOBase

/// How the elements of a tensor are repeated along the axes of a larger one: numpy's rule, of one sample.
struct RepeatedOperand: Hashable {
    /// The shape of the result.
    let shape: Shape
    /// For each axis of the result, the step within the smaller tensor: 0 where it is repeated.
    let strides: [Int]
    /// Whether nothing is repeated.
    let isWhole: Bool

    /// - Parameters:
    ///   - small: aligned with the last axes of the result.
    ///   - shape: of the result.
    init(_ small: Shape, to shape: Shape) {
        self.shape = shape
        isWhole = small.dimensions == shape.dimensions
        var strides = [Int](repeating: 0, count: shape.rank)
        var stride = 1
        for axis in (0..<small.rank).reversed() {
            if small[axis] != 1 { strides[axis + shape.rank - small.rank] = stride }
            stride *= small[axis]
        }
        self.strides = strides
    }

    /// The shape of a result of two tensors; `nil` if they do not fit.
    static func shape(_ a: Shape, _ b: Shape) -> Shape? {
        let rank = max(a.rank, b.rank)
        var dimensions: [Int] = []
        for axis in 0..<rank {
            let x = axis < rank - a.rank ? 1 : a[axis - rank + a.rank]
            let y = axis < rank - b.rank ? 1 : b[axis - rank + b.rank]
            guard x == y || x == 1 || y == 1 else { return nil }
            dimensions.append(max(x, y))
        }
        return Shape(dimensions)
    }

    /// Calls `body` with each element of one sample of the result and its place in the smaller tensor.
    @inline(__always)
    func forEach(_ body: (Int, Int) -> Void) {
        let count = shape.count
        if isWhole {
            for i in 0..<count { body(i, i) }
            return
        }
        let rank = shape.rank
        guard rank > 0, count > 0 else {
            if count > 0 { body(0, 0) }
            return
        }
        // Row by row: the last axis has one step.
        let width = shape.last
        let step = strides[rank - 1]
        for row in 0..<count / width {
            var place = 0
            var rest = row
            for axis in (0..<rank - 1).reversed() {
                place += rest % shape[axis] * strides[axis]
                rest /= shape[axis]
            }
            for i in 0..<width { body(row * width + i, place + i * step) }
        }
    }
}
