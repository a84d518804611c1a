import CDenseLoops
import COpenBLAS
import MIOGraph
import MIOPlan
import MIOTensor

/// Dense on one input, or on several that a Concatenate would have joined, each where it lies.
///
/// The kernel's rows are stored in the order of the input's elements: a blocked image that was flattened costs a
/// permutation when weights are loaded, and nothing afterwards. Three ways, by size:
///
/// - few units (1 to 4): the weights of each unit in a row; both gradients in one pass over input and weights.
/// - small: vectorized loops without the overhead of a library's call.
/// - otherwise OpenBLAS.
final class DenseKernel: Kernel {
    private enum Way: String { case fewUnits = "few units", small, blas = "OpenBLAS" }

    /// One input: where its rows of the kernel begin, and how many there are (padding included).
    private struct Segment {
        let firstRow: Int
        let rows: Int
        let shape: Shape
        let layout: Layout
    }

    private let dense: Dense
    private let bindings: Bindings
    private let segments: [Segment]
    private let rowCount: Int
    private let way: Way
    /// Rows of the product for one sample: 1 for a vector.
    private let rowsPerSample: Int
    private let units: Int
    private let gradientStride: Int

    // MARK: Planning

    static func choose(_ dense: Dense, _ request: KernelRequest) -> KernelChoice {
        let layouts = zip(request.inputShapes, request.inputLayouts).map { shape, layout -> Layout in
            if case .flattenedBlocked = layout, !request.sharesWeights { return layout }
            return .canonical
        }
        let widths = zip(request.inputShapes, layouts).map { shape, layout in
            shape.rank == 1 ? layout.elements(of: shape) : shape.last
        }
        let rows = widths.reduce(0, +)
        let samples =
            request.samples
            * (request.inputShapes[0].rank == 1
                ? 1 : request.inputShapes[0].count / request.inputShapes[0].last)
        let way = way(dense, rows: rows, samples: samples, isShared: request.sharesWeights)
        let scratch =
            aligned(dense.units) * samples + (way == .small ? aligned((widths.max() ?? 0)) * dense.units : 0)
            + 3 * 16
        let isPermuted = layouts.contains { $0 != .canonical }
        return KernelChoice(
            algorithm: "dense, \(way.rawValue)", inputLayouts: layouts,
            weightElements: [rows * dense.units] + (dense.useBias ? [dense.units] : []),
            weightLayouts: [
                way == .fewUnits ? "transposed \(rows)" : isPermuted ? "permuted rows \(rows)" : "canonical"
            ] + (dense.useBias ? ["canonical"] : []),
            scratchElements: scratch)
    }

    /// Products up to this many multiplications gain from having no call and no packing.
    private static let smallProduct = 1 << 21

    private static func way(_ dense: Dense, rows: Int, samples: Int, isShared: Bool) -> Way {
        if dense.units <= Int(mio_few_units), rows >= 256, !isShared { return .fewUnits }
        let (work, overflow) = rows.multipliedReportingOverflow(by: dense.units * samples)
        return !overflow && work <= smallProduct ? .small : .blas
    }

    private static func aligned(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    init(_ dense: Dense, _ description: KernelDescription) {
        self.dense = dense
        bindings = description.bindings
        units = dense.units
        var firstRow = 0
        segments = zip(description.inputShapes, description.choice.inputLayouts).map { shape, layout in
            let rows = shape.rank == 1 ? layout.elements(of: shape) : shape.last
            defer { firstRow += rows }
            return Segment(firstRow: firstRow, rows: rows, shape: shape, layout: layout)
        }
        rowCount = firstRow
        let shape = description.inputShapes[0]
        rowsPerSample = shape.rank == 1 ? 1 : shape.count / shape.last
        way = Self.way(
            dense, rows: rowCount, samples: description.samples * rowsPerSample,
            isShared: !description.choice.weightLayouts[0].hasPrefix("transposed"))
        gradientStride = Self.aligned(dense.units)
    }

    func prepare(samples: Int) {}

    // MARK: Running

    func forward(_ pass: Pass) {
        let rows = pass.samples * rowsPerSample
        let (y, kernel) = (bindings.output, bindings.weights[0])
        let bias = dense.useBias ? bindings.weights[1] : nil
        for (index, segment) in segments.enumerated() {
            let x = bindings.inputs[index]
            switch way {
            case .fewUnits:
                if index == 0 { y.update(repeating: 0, count: rows * units) }
                mio_few_units_forward(
                    x, kernel + segment.firstRow, Int64(rowCount), y, Int64(rows), Int64(segment.rows),
                    Int64(units))
            case .small:
                mio_small_product(
                    Int64(rows), Int64(units), Int64(segment.rows), x, Int64(segment.rows), 1,
                    kernel + segment.firstRow * units, Int64(units), nil, index > 0, y, Int64(units))
            case .blas:
                multiply(
                    rows, units, segment.rows, x, segment.rows, false, kernel + segment.firstRow * units,
                    units, false,
                    y, units, adds: index > 0)
            }
        }
        mio_bias_activation(dense.activation.cValue, y, bias, Int64(rows), Int64(units))
    }

    func backward(_ pass: Pass) {
        guard let dy = bindings.outputGradient else { return }
        let rows = pass.samples * rowsPerSample
        let kernelGradient = bindings.weightGradients[0]
        let biasGradient = dense.useBias ? bindings.weightGradients[1] : nil
        let dz = bindings.scratch
        let stride = way == .small ? gradientStride : units
        mio_activation_gradient(
            dense.activation.cValue, bindings.output, dy, Int64(rows), Int64(units), dz, Int64(stride),
            biasGradient?.pointer, biasGradient?.adds(in: pass) ?? false)
        let adds = kernelGradient?.adds(in: pass) ?? false
        for (index, segment) in segments.enumerated() {
            let x = bindings.inputs[index]
            let dx = bindings.inputGradients[index]
            switch way {
            case .fewUnits:
                mio_few_units_backward(
                    x, bindings.weights[0] + segment.firstRow, Int64(rowCount), dz,
                    kernelGradient.map { $0.pointer + segment.firstRow }, adds, dx?.pointer,
                    dx?.flow == .adds,
                    Int64(rows), Int64(segment.rows), Int64(units))
            case .small:
                smallBackward(segment, x, dz, rows, kernelGradient?.pointer, adds, dx)
            case .blas:
                if let kernelGradient {
                    multiply(
                        segment.rows, units, rows, x, segment.rows, true, dz, units, false,
                        kernelGradient.pointer + segment.firstRow * units, units, adds: adds)
                }
                if let dx {
                    multiply(
                        rows, segment.rows, units, dz, units, false,
                        bindings.weights[0] + segment.firstRow * units, units, true, dx.pointer, segment.rows,
                        adds: dx.flow == .adds)
                }
            }
        }
    }

    private func smallBackward(
        _ segment: Segment, _ x: UnsafePointer<Float>, _ dz: UnsafePointer<Float>, _ rows: Int,
        _ kernelGradient: UnsafeMutablePointer<Float>?, _ adds: Bool, _ dx: Gradient?
    ) {
        if let kernelGradient {
            mio_small_product(
                Int64(segment.rows), Int64(units), Int64(rows), x, 1, Int64(segment.rows), dz,
                Int64(gradientStride), nil, adds, kernelGradient + segment.firstRow * units, Int64(units))
        }
        if let dx {
            let transposed = bindings.scratch + gradientStride * rows
            let stride = Self.aligned(segment.rows)
            mio_transpose(
                bindings.weights[0] + segment.firstRow * units, Int64(segment.rows), Int64(units),
                Int64(units),
                transposed, Int64(stride))
            mio_small_product(
                Int64(rows), Int64(segment.rows), Int64(units), dz, Int64(gradientStride), 1, transposed,
                Int64(stride), nil, dx.flow == .adds, dx.pointer, Int64(segment.rows))
        }
    }

    /// C (m, n) ← or += op(A) (m, k) · op(B) (k, n)
    private func multiply(
        _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, _ aStride: Int, _ transposesA: Bool,
        _ b: UnsafePointer<Float>, _ bStride: Int, _ transposesB: Bool, _ c: UnsafeMutablePointer<Float>,
        _ cStride: Int, adds: Bool
    ) {
        precondition(max(m, n, k) <= Int(Int32.max), "a product of more than 2³¹ rows or columns")
        cblas_sgemm(
            CblasRowMajor, transposesA ? CblasTrans : CblasNoTrans, transposesB ? CblasTrans : CblasNoTrans,
            blasint(m), blasint(n), blasint(k), 1, a, blasint(aStride), b, blasint(bStride), adds ? 1 : 0, c,
            blasint(cStride))
    }

    // MARK: Weights

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        guard weight == 0 else { return canonical.update(from: stored, count: units) }
        forEachRow { canonicalRow, storedRow in
            for unit in 0..<units {
                canonical[canonicalRow * units + unit] = stored[index(storedRow, unit)]
            }
        }
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        guard weight == 0 else { return stored.update(from: canonical, count: units) }
        stored.update(repeating: 0, count: rowCount * units)
        forEachRow { canonicalRow, storedRow in
            for unit in 0..<units {
                stored[index(storedRow, unit)] = canonical[canonicalRow * units + unit]
            }
        }
    }

    private func index(_ row: Int, _ unit: Int) -> Int {
        way == .fewUnits ? unit * rowCount + row : row * units + unit
    }

    /// Visits (row in Keras' kernel, row in ours).
    private func forEachRow(_ body: (Int, Int) -> Void) {
        var canonicalRow = 0
        for segment in segments {
            if case .flattenedBlocked(let image, let block) = segment.layout {
                Layout.forEachBlocked(image, block: block) { body(canonicalRow + $0, segment.firstRow + $1) }
                canonicalRow += image.count
            } else {
                for row in 0..<segment.rows { body(canonicalRow + row, segment.firstRow + row) }
                canonicalRow += segment.rows
            }
        }
    }
}
