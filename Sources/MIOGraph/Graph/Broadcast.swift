import MIOBase

/// Tensors of several shapes that meet element by element, as numpy and Keras have it: shapes are aligned at their last axes,
/// and what has one place on an axis is repeated along it.
package struct Broadcast: Hashable, Sendable {
    /// The places on each axis of the result, outermost first: as few axes as describe all tensors.
    package let sizes: [Int]
    /// For each tensor the elements from one place of each of these axes to the next; 0 where it is repeated.
    package let strides: [[Int]]
    /// For each tensor whether it has all elements of the result.
    package let isWhole: [Bool]

    /// - Precondition: the shapes fit, as `shape(of:)` says.
    package init(_ shapes: [Shape], to shape: Shape) {
        let all = shapes.map { Self.strides(of: $0, in: shape) }
        self.init(sizes: shape.dimensions, strides: all, isWhole: shapes.map { $0.count == shape.count })
    }

    /// - Parameter strides: for each tensor one for each of `sizes`.
    package init(sizes every: [Int], strides all: [[Int]], isWhole: [Bool]) {
        var sizes: [Int] = []
        var strides = [[Int]](repeating: [], count: all.count)
        for axis in every.indices where every[axis] != 1 {
            // An axis continues the one before it if a step on that is all of its own steps, for every tensor.
            if let last = sizes.indices.last,
                all.indices.allSatisfy({ strides[$0][last] == all[$0][axis] * every[axis] })
            {
                sizes[last] *= every[axis]
                for tensor in all.indices { strides[tensor][last] = all[tensor][axis] }
            } else {
                sizes.append(every[axis])
                for tensor in all.indices { strides[tensor].append(all[tensor][axis]) }
            }
        }
        if sizes.isEmpty {
            sizes = [1]
            strides = isWhole.map { [$0 ? 1 : 0] }
        }
        self.sizes = sizes
        self.strides = strides
        self.isWhole = isWhole
    }

    private static func strides(of shape: Shape, in result: Shape) -> [Int] {
        var strides = [Int](repeating: 0, count: result.rank)
        var stride = 1
        for axis in shape.dimensions.indices.reversed() {
            if shape[axis] != 1 { strides[result.rank - shape.rank + axis] = stride }
            stride *= shape[axis]
        }
        return strides
    }

    /// - Throws: `ShapeError` if they do not fit.
    package static func shape(of shapes: [Shape]) throws(ShapeError) -> Shape {
        var result: [Int] = []
        for shape in shapes {
            var dimensions = shape.dimensions
            if dimensions.count < result.count { swap(&dimensions, &result) }
            let offset = dimensions.count - result.count
            for (axis, size) in result.enumerated() where size != dimensions[offset + axis] {
                guard size == 1 || dimensions[offset + axis] == 1 else {
                    throw ShapeError(
                        expected: "shapes that are equal from the last axis on, or 1 where they differ",
                        received: shapes)
                }
                if dimensions[offset + axis] == 1 { dimensions[offset + axis] = size }
            }
            result = dimensions
        }
        return Shape(result)
    }

    /// Where an element of the result comes from in a tensor.
    package func place(of element: Int, in tensor: Int) -> Int {
        if isWhole[tensor] { return element }
        var (rest, place) = (element, 0)
        for axis in sizes.indices.reversed() {
            place += rest % sizes[axis] * strides[tensor][axis]
            rest /= sizes[axis]
        }
        return place
    }
}
