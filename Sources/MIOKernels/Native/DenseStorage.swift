import MIOBase
import MIOGraph
import MIOPlan

/// How a Dense is computed, and how its kernel is kept for that.
///
/// Independent of the batch, so that plans of different sizes can share the weights.
struct DenseStorage {
    enum Method: String {
        /// A handful of dot products: one row a unit.
        case fewUnits = "dot products"
        /// Matrices so small that a library's call costs what its kernels save: rows padded to whole vectors.
        case small = "small product"
        /// Keras' order, except for rows that follow a blocked image and, between rows, a gap.
        case library = "library"
    }

    /// One of the vectors that are read side by side.
    struct Segment {
        /// Rows of the kernel as Keras has it, and as it is kept, the image's padding included.
        let canonicalRows: Int
        let rows: Int
        let firstCanonicalRow: Int
        let firstRow: Int
        let layout: Layout
    }

    let method: Method
    let segments: [Segment]
    let units: Int
    /// Of all segments together, as they are kept.
    let rows: Int
    /// Elements between one stored row and the next: of a unit with `fewUnits`, of an input else.
    let stride: Int
    let kernelElements: Int
    let biasElements: Int

    /// A kernel of so many elements is small: 128 × 64. There both ways take as long, at any number of samples; at
    /// 256 × 256 oneDNN takes three quarters of the time.
    private static let smallElements = 1 << 13
    private static let lanes = 16
    /// Rows whose length is a power of two, or a few times one, lie in the same sets of the first-level cache, where a
    /// product's rows push each other out: x · kernel with 1024 units reached 42 GFLOP/s on a core of an EPYC, and 92 with
    /// rows a vector longer, with 512 units 53 and 81. Ten layers of 256 gained nothing.
    private static let aliasingUnits = 128
    private static let longRow = 384
    static func padded(_ count: Int) -> Int { (count + lanes - 1) / lanes * lanes }

    init(units: Int, inputShapes: [Shape], inputLayouts: [Layout], sharesWeights: Bool) {
        self.units = units
        var (canonicalRow, row) = (0, 0)
        segments = zip(inputShapes, inputLayouts).map { shape, layout in
            let rows = shape.rank == 1 ? layout.elements(of: shape) : shape.last
            defer {
                canonicalRow += shape.last
                row += rows
            }
            return Segment(
                canonicalRows: shape.last, rows: rows, firstCanonicalRow: canonicalRow, firstRow: row,
                layout: layout)
        }
        rows = row
        let padded = Self.padded(units)
        // Weights that other calls share stay as Keras has them.
        let fillsVectors = segments.allSatisfy { $0.rows % Self.lanes == 0 }
        if units == 1 || units <= 4 && (rows >= 256 || fillsVectors) && !sharesWeights {
            method = .fewUnits
            stride = units == 1 ? rows : Self.padded(rows)
            kernelElements = units * stride
        } else if rows * padded <= Self.smallElements, !sharesWeights || units == padded {
            method = .small
            stride = padded
            kernelElements = rows * padded
        } else {
            method = .library
            let isAliasing = units >= Self.longRow && units % Self.aliasingUnits == 0
            stride = isAliasing && !sharesWeights ? units + Self.lanes : units
            kernelElements = rows * stride
        }
        biasElements = method == .small ? padded : units
    }

    /// Visits (offset in Keras' order, offset as stored) of every element of the kernel.
    func forEachElement(_ body: (Int, Int) -> Void) {
        func visit(_ canonicalRow: Int, _ row: Int) {
            for unit in 0..<units {
                body(
                    canonicalRow * units + unit,
                    method == .fewUnits ? unit * stride + row : row * stride + unit)
            }
        }
        for segment in segments {
            if case .flattenedBlocked(let image, let block) = segment.layout {
                Layout.forEachBlocked(image, block: block) {
                    visit(segment.firstCanonicalRow + $0, segment.firstRow + $1)
                }
            } else {
                for row in 0..<segment.rows {
                    visit(segment.firstCanonicalRow + row, segment.firstRow + row)
                }
            }
        }
    }
}
