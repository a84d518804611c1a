import MIOBase
import MIOConfig
import MIOGraph

/// Operations on tensors that mio computes by several layers.
extension OperationReading {
    /// Their classes.
    static let compositions = [
        "Norm", "Normalize", "Var", "Std", "Log2", "Log10", "ZerosLike", "OnesLike", "SwapAxes", "Swapaxes",
        "Moveaxis",
        "Repeat", "Tile",
    ]
}

extension OperationReading.Reading {
    /// - Returns: the last of the layers' results; `nil` for an operation that is none of them.
    func composition() throws(CallProblem) -> SymbolicTensor? {
        switch className {
        case "Norm":
            if let order = argument("ord"), order != .null, number(order) != 2 {
                throw unsupported("ord", order)
            }
            // Of two axes it is the largest singular value then.
            if let order = argument("ord"), order != .null, try axes().count != 1 {
                throw CallProblem(
                    "has ord=2 over more than one axis, which is no root of a sum of squares; leave ord out for that"
                )
            }
            let squares = UnaryOperation(.square, name: "\(name)_squares")(try tensor(0))
            let sums = Reduction(
                .sum, axis: try axes(), keepdims: argument("keepdims") == true, name: "\(name)_sums")(
                    squares)
            return UnaryOperation(.sqrt, name: name)(sums)
        case "Normalize":
            return try normalized()
        case "Var", "Std": return try deviation(isRoot: className == "Std")
        case "Log2", "Log10":
            let logarithm = UnaryOperation(.log, name: "\(name)_natural")(try tensor(0))
            // 1/ln 2, 1/ln 10
            return try scaled(
                logarithm, by: className == "Log2" ? 1.442_695_040_888_963_4 : 0.434_294_481_903_251_8,
                name: name)
        case "ZerosLike": return try scaled(try tensor(0), by: 0, name: name)
        case "OnesLike":
            let zeros = try scaled(try tensor(0), by: 0, name: "\(name)_zeros")
            return try layer(
                "BinaryOperation", ["function": "add", "constant": 1.0, "constant_first": false], [zeros])
        case "SwapAxes", "Swapaxes":
            let axes = [try place("axis1"), try place("axis2")]
            return try permuted { order in order.swapAt(axes[0], axes[1]) }
        case "Moveaxis":
            let (from, to) = (try place("source"), try place("destination"))
            return try permuted { order in order.insert(order.remove(at: from), at: to) }
        case "Repeat": return try repeated()
        case "Tile": return try tiled()
        default: return nil
        }
    }

    /// x / max(‖x‖, epsilon): x / √max(Σ x², epsilon²), whose gradient is finite where all x are 0.
    private func normalized() throws(CallProblem) -> SymbolicTensor {
        if let order = argument("order"), number(order) != 2 { throw unsupported("order", order) }
        // TensorFlow's epsilon is that of the sum of squares. Keras' default is keras.config.epsilon().
        let bound: Double
        if let squared = argument("square_epsilon") {
            bound = number(squared) ?? 0
        } else if let written = argument("epsilon"), written != .null {
            bound = number(written).map { $0 * $0 } ?? 0
        } else {
            bound = 1e-14
        }
        guard bound >= Double(Float.leastNormalMagnitude), bound.isFinite else {
            throw CallProblem(
                "has an epsilon of which mio cannot compute the square in 32 bits; expected a number of at least 1e-18"
            )
        }
        let axes = try argument("axis") == nil ? [-1] : axes()
        let x = try tensor(0)
        let squares = UnaryOperation(.square, name: "\(name)_squares")(x)
        let sums = Reduction(.sum, axis: axes, keepdims: true, name: "\(name)_sums")(squares)
        let bounded = BinaryOperation(.maximum, constant: bound, name: "\(name)_bounded")(sums)
        let inverse = UnaryOperation(.rsqrt, name: "\(name)_inverse")(bounded)
        return BinaryOperation(.multiply, name: name)([x, inverse])
    }

    /// Σ (x − mean)² / n over axes, or its root.
    private func deviation(isRoot: Bool) throws(CallProblem) -> SymbolicTensor {
        let x = try tensor(0)
        let axes = try axes()
        let mean = Reduction(.mean, axis: axes, keepdims: true, name: "\(name)_mean")(x)
        let difference = BinaryOperation(.subtract, name: "\(name)_difference")([x, mean])
        let squares = UnaryOperation(.square, name: "\(name)_squares")(difference)
        let variance = Reduction(
            .mean, axis: axes, keepdims: argument("keepdims") == true,
            name: isRoot ? "\(name)_variance" : name)(squares)
        return isRoot ? UnaryOperation(.sqrt, name: name)(variance) : variance
    }

    private func scaled(_ tensor: SymbolicTensor, by factor: Double, name: String) throws(CallProblem)
        -> SymbolicTensor
    {
        try layer(
            "BinaryOperation", ["function": "multiply", "constant": .real(factor), "constant_first": false],
            [tensor], name: name)
    }

    // MARK: Axes

    /// An axis of a sample that an argument names, counted from 0 with the batch.
    private func place(_ key: String) throws(CallProblem) -> Int {
        guard let rank = shape?.count, case .integer(var axis)? = argument(key) else {
            throw CallProblem("expected a number of an axis as \(key)")
        }
        if axis < 0 { axis += rank }
        guard axis > 0, axis < rank else {
            throw CallProblem("works on the axis of the batch; mio keeps samples apart")
        }
        return axis
    }

    private func permuted(_ change: (inout [Int]) -> Void) throws(CallProblem) -> SymbolicTensor {
        var order = Array(0..<(shape?.count ?? 0))
        change(&order)
        return try layer("Permute", ["dims": ConfigValue(Array(order.dropFirst()))], [try tensor(0)])
    }

    // MARK: Copies

    /// Every element `repeats` times in a row along an axis.
    private func repeated() throws(CallProblem) -> SymbolicTensor {
        guard case .integer(let count)? = argument("repeats"), count > 0, argument("axis") != nil,
            argument("axis") != .null, let shape
        else { throw CallProblem("expected a number of repeats and an axis of a sample") }
        let axis = try place("axis")
        if count == 1 { return try tensor(0) }
        if shape[axis] == 1 { return try copies(try tensor(0), count, axis: axis, name: name) }
        switch (shape.count, axis) {
        case (3, 1): return try layer("UpSampling1D", ["size": .integer(count)], [try tensor(0)])
        case (4, 1): return try layer("UpSampling2D", ["size": ConfigValue([count, 1])], [try tensor(0)])
        case (4, 2): return try layer("UpSampling2D", ["size": ConfigValue([1, count])], [try tensor(0)])
        default:
            // Each element gets an axis of its own, along which it is copied.
            let one = (1...shape.count).map { $0 == axis + 1 ? "newaxis" : ":" }.joined(separator: ", ")
            let apart = GetItem(one, name: "\(name)_apart")(try tensor(0))
            let copied = try copies(apart, count, axis: axis + 1, name: "\(name)_copies")
            guard !shape.dropFirst().contains(nil) else {
                throw CallProblem("repeats a tensor whose axes the file leaves open")
            }
            let target = shape.indices.dropFirst().map { (shape[$0] ?? 1) * ($0 == axis ? count : 1) }
            return try layer("Reshape", ["target_shape": ConfigValue(target)], [copied])
        }
    }

    /// The whole tensor several times along its axes.
    private func tiled() throws(CallProblem) -> SymbolicTensor {
        var counts: [Int] = []
        switch argument("repeats") {
        case .integer(let count)?: counts = [count]
        case .list(let items)?: for case .integer(let count) in items { counts.append(count) }
        default: break
        }
        guard let rank = shape?.count, !counts.isEmpty, counts.count <= rank, counts.allSatisfy({ $0 > 0 })
        else {
            throw CallProblem(
                "expected a number of repeats for each axis, none of them more than the tensor has")
        }
        counts = [Int](repeating: 1, count: rank - counts.count) + counts
        guard counts[0] == 1 else {
            throw CallProblem("repeats the axis of the batch; mio keeps samples apart")
        }
        var result = try tensor(0)
        let axes = counts.indices.filter { counts[$0] > 1 }
        for (index, axis) in axes.enumerated() {
            let isLast = index == axes.count - 1
            result = try copies(
                result, counts[axis], axis: axis, name: isLast ? name : "\(name)_along_\(axis)")
        }
        return result
    }

    private func copies(_ tensor: SymbolicTensor, _ count: Int, axis: Int, name: String) throws(CallProblem)
        -> SymbolicTensor
    {
        try layer(
            "Concatenate", ["axis": .integer(axis)], [SymbolicTensor](repeating: tensor, count: count),
            name: name)
    }
}
