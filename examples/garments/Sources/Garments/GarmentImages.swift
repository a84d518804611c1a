import MIOData

/// Fashion-MNIST: 28×28 grey images of garments, and what each shows.
/// <https://github.com/zalandoresearch/fashion-mnist>
package struct GarmentImages: Sendable {
    package static let side = 28
    package let count: Int
    private let pixels: [UInt8]
    private let labels: [UInt8]

    package enum Part: String, Sendable {
        /// 60,000 garments.
        case train
        /// 10,000 others.
        case test = "t10k"
    }

    /// Reads `<part>-images-idx3-ubyte.gz` and `<part>-labels-idx1-ubyte.gz`.
    /// - Throws: `DataError` if a file is missing, damaged, or does not fit the other.
    package init(folder: String, part: Part) throws {
        let imagesPath = "\(folder)/\(part.rawValue)-images-idx3-ubyte.gz"
        let labelsPath = "\(folder)/\(part.rawValue)-labels-idx1-ubyte.gz"
        let images = try IDXFile(path: imagesPath, axes: 3)
        let kinds = try IDXFile(path: labelsPath, axes: 1)
        guard images.extents[1...] == [Self.side, Self.side] else {
            throw DataError(.wrongShape, imagesPath, "images of \(images.extents[1...]), 28 × 28 expected")
        }
        guard images.extents[0] == kinds.extents[0] else {
            throw DataError(
                .unequalCounts, labelsPath, "\(kinds.extents[0]) labels for \(images.extents[0]) images")
        }
        if let wrong = kinds.bytes.first(where: { $0 >= GarmentKind.all.count }) {
            throw DataError(
                .badValue, labelsPath, "label \(wrong); 0 to \(GarmentKind.all.count - 1) expected")
        }
        count = kinds.bytes.count
        pixels = images.bytes
        labels = kinds.bytes
    }

    /// - Precondition: `index` is one of `0..<count`.
    package subscript(index: Int) -> GarmentImage {
        let size = Self.side * Self.side
        return GarmentImage(
            pixels: pixels[index * size..<(index + 1) * size].map { Float($0) / 255 },
            kind: Int(labels[index]))
    }
}

/// One garment, bright on black.
package struct GarmentImage: Sendable {
    /// 28×28, from 0 to 1, row by row.
    package let pixels: [Float]
    /// An index of `GarmentKind.all`.
    package let kind: Int

    /// - Precondition: 28×28 pixels.
    package init(pixels: [Float], kind: Int) {
        precondition(pixels.count == GarmentImages.side * GarmentImages.side, "not 28×28 pixels")
        self.pixels = pixels
        self.kind = kind
    }

    /// The columns and rows that the garment covers; the whole image where it covers none.
    var extent: (columns: Range<Int>, rows: Range<Int>) {
        let side = GarmentImages.side
        var (left, right, top, bottom) = (side, 0, side, 0)
        // Below an eighth of full brightness there is only the haze that scanning left around some garments.
        for row in 0..<side {
            for column in 0..<side where pixels[row * side + column] >= 0.125 {
                (left, right) = (min(left, column), max(right, column + 1))
                (top, bottom) = (min(top, row), max(bottom, row + 1))
            }
        }
        return left < right ? (left..<right, top..<bottom) : (0..<side, 0..<side)
    }

    /// The brightness at a place between pixels, bilinear; 0 outside. Pixel centres are at halves.
    func brightness(x: Float, y: Float) -> Float {
        let side = GarmentImages.side
        let (x, y) = (x - 0.5, y - 0.5)
        let (left, top) = (x.rounded(.down), y.rounded(.down))
        let (column, row) = (Int(left), Int(top))
        func pixel(_ column: Int, _ row: Int) -> Float {
            guard (0..<side).contains(column), (0..<side).contains(row) else { return 0 }
            return pixels[row * side + column]
        }
        let (right, down) = (x - left, y - top)
        let upper = pixel(column, row) * (1 - right) + pixel(column + 1, row) * right
        let lower = pixel(column, row + 1) * (1 - right) + pixel(column + 1, row + 1) * right
        return upper * (1 - down) + lower * down
    }
}
