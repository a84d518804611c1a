import MIOBase
import MIOConfig

/// The axes of a weight along which a constraint takes norms: one norm for each place on its other axes.
///
/// Keras' `axis`: 0 for the kernel of a Dense, [0, 1, 2] for that of a Conv2D give one norm a unit or filter. Axes below 0
/// count from the last one.
package struct NormAxes: Hashable, Sendable {
    package let axes: [Int]

    package init(_ axes: [Int]) { self.axes = axes }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        axes = try reader.oneOrMoreIntegers("axis", default: [0])
    }

    var config: ConfigValue { axes.count == 1 ? .integer(axes[0]) : ConfigValue(axes) }

    /// - Returns: how many norms a weight of this shape has.
    /// - Throws: `ShapeError` if an axis is none of the weight's, or is there twice.
    func normCount(of shape: Shape) throws(ShapeError) -> Int {
        var seen: Set<Int> = []
        for axis in axes {
            let index = axis < 0 ? shape.rank + axis : axis
            guard shape.dimensions.indices.contains(index), seen.insert(index).inserted else {
                throw ShapeError(
                    "axis \(axes.count == 1 ? "\(axes[0])" : "\(axes)") does not fit the shape \(shape): expected "
                        + "different axes of it, counted from 0")
            }
        }
        // Keras takes the norm of all elements where no axis is named.
        guard !axes.isEmpty else { throw ShapeError("axis is empty; name at least one, such as 0") }
        var count = 1
        for index in 0..<shape.rank where !isReduced(index, rank: shape.rank) { count *= shape[index] }
        return count
    }

    @inline(__always)
    private func isReduced(_ index: Int, rank: Int) -> Bool {
        axes.contains(index) || axes.contains(index - rank)
    }

    /// Multiplies the elements that share a norm by a factor of it.
    ///
    /// The squares are added up in double precision, in canonical order; the rest is computed in the weight's precision.
    /// - Parameters:
    ///   - weight: in canonical order.
    ///   - norms: `normCount(of:)` doubles of scratch.
    @inline(__always)
    func scale<T: Scalar>(
        _ weight: UnsafeMutablePointer<T>, shape: Shape, norms: UnsafeMutablePointer<Double>,
        by factor: (T) -> T
    ) {
        var count = 1
        for index in 0..<shape.rank where !isReduced(index, rank: shape.rank) { count *= shape[index] }
        norms.update(repeating: 0, count: count)
        forEachRow(shape) { start, norm, step in
            if step == 0 {
                var sum = 0.0
                for index in start..<start + shape.last {
                    sum += Double(weight[index]) * Double(weight[index])
                }
                norms[norm] += sum
            } else {
                for index in 0..<shape.last {
                    let element = Double(weight[start + index])
                    norms[norm + index] += element * element
                }
            }
        }
        for index in 0..<count { norms[index] = Double(factor(T(norms[index].squareRoot()))) }
        forEachRow(shape) { start, norm, step in
            for index in 0..<shape.last { weight[start + index] *= T(norms[norm + index * step]) }
        }
    }

    /// Visits the rows of the last axis: each row's first element, its first norm, and the norms from one element to the
    /// next: 1, or 0 if the row has a single norm.
    @inline(__always)
    private func forEachRow(_ shape: Shape, _ body: (_ start: Int, _ norm: Int, _ step: Int) -> Void) {
        guard shape.count > 0 else { return }
        let step = isReduced(shape.rank - 1, rank: shape.rank) ? 0 : 1
        for row in 0..<shape.count / shape.last {
            var (rest, norm, stride) = (row, 0, step == 0 ? 1 : shape.last)
            for index in Swift.stride(from: shape.rank - 2, through: 0, by: -1) {
                let coordinate = rest % shape[index]
                rest /= shape[index]
                guard !isReduced(index, rank: shape.rank) else { continue }
                norm += coordinate * stride
                stride *= shape[index]
            }
            body(row * shape.last, norm, step)
        }
    }
}

/// Keras' `backend.epsilon()`, which is added to a norm before it divides.
let normEpsilon = 1e-7
