import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Places of tensors that meet, for the loops in C: the samples, then those of a sample. Made once; a pass allocates nothing.
struct MergeAxes {
    /// Elements of a sample, of each tensor.
    private let counts: [Int]
    private let wholes: [Bool]
    private let elements: Int
    private let axes: Int
    /// The sizes, with 1 for the samples.
    private let sizes: mio_axes.Row
    /// The distances in each tensor, and in one that has all elements.
    private let strides: [mio_axes.Row]
    private let wholeStrides: mio_axes.Row

    /// - Returns: `nil` if there are more axes than the loops have.
    init?(_ shapes: [Shape], to shape: Shape) {
        self.init(Broadcast(shapes, to: shape), counts: shapes.map(\.count))
    }

    /// - Parameter counts: from one sample of each tensor to the next; 0 for a tensor that all samples have in common.
    init?(_ broadcast: Broadcast, counts: [Int]) {
        guard broadcast.sizes.count < Int(mio_most_axes) else { return nil }
        self.counts = counts
        wholes = broadcast.isWhole
        elements = broadcast.sizes.reduce(1, *)
        axes = broadcast.sizes.count + 1
        sizes = mio_axes.row([1] + broadcast.sizes)
        strides = zip(counts, broadcast.strides).map { mio_axes.row([$0] + $1) }
        wholeStrides = mio_axes.row([elements] + Rearrangement.strides(of: Shape(broadcast.sizes)))
    }

    /// Of one sample.
    func elements(of tensor: Int) -> Int { counts[tensor] }

    /// Whether the tensor has all elements of the result.
    func isWhole(_ tensor: Int) -> Bool { wholes[tensor] }

    /// - Parameters:
    ///   - samples: of the pass.
    ///   - tensors: which one each of the loops' `a`, `b` and `c` is; `nil` for one with all elements.
    func loops(samples: Int, a: Int?, b: Int?, c: Int? = nil) -> mio_axes {
        var loops = mio_axes()
        func isWhole(_ tensor: Int?) -> Bool { tensor.map { wholes[$0] && counts[$0] == elements } ?? true }
        if isWhole(a), isWhole(b), isWhole(c) {
            loops.count = 1
            loops.sizes.0 = Int64(samples * elements)
            (loops.a.0, loops.b.0, loops.c.0) = (1, 1, 1)
            return loops
        }
        loops.count = Int64(axes)
        loops.sizes = sizes
        loops.sizes.0 = Int64(samples)
        loops.a = a.map { strides[$0] } ?? wholeStrides
        loops.b = b.map { strides[$0] } ?? wholeStrides
        loops.c = c.map { strides[$0] } ?? wholeStrides
        return loops
    }
}

extension mio_axes {
    typealias Row = (Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64)

    /// - Precondition: there are at most as many as a row has.
    static func row(_ values: [Int]) -> Row {
        var row: Row = (0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &row) { bytes in
            for (index, value) in values.enumerated() {
                bytes.storeBytes(
                    of: Int64(value), toByteOffset: index * MemoryLayout<Int64>.stride, as: Int64.self)
            }
        }
        return row
    }
}
