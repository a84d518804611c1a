import MIOBase
import MIOData

/// Which garments go into which file.
package struct ShardPlan: Sendable {
    package let path: String
    /// Rows of the Fashion-MNIST file.
    package let garments: Range<Int>
    /// The first sample's Philox stream.
    package let firstStream: UInt64

    /// Shards of at most `size` samples: `train-00.npz`, `train-01.npz`, …
    package static func shards(
        _ name: String, of garments: Range<Int>, size: Int, folder: String, firstStream: UInt64
    ) -> [ShardPlan] {
        stride(from: garments.lowerBound, to: garments.upperBound, by: size).enumerated().map {
            index, start in
            ShardPlan(
                path: "\(folder)/\(name)-\(index < 10 ? "0" : "")\(index).npz",
                garments: start..<min(start + size, garments.upperBound),
                firstStream: firstStream + UInt64(start - garments.lowerBound))
        }
    }

    /// Places each garment on its canvas and writes image (n, 64, 64, 1), metadata (n, 3), kind (n) and
    /// box (n, 4).
    ///
    /// Images are half floats: half the disk and page cache of floats, and finer than a camera's 8 bits.
    /// - Throws: `FileError` if the file cannot be written; `DataError` if there are too few garments.
    package func write(_ images: GarmentImages, seed: UInt64) throws {
        guard garments.upperBound <= images.count else {
            throw DataError(
                .truncated, path,
                "wants garments up to number \(garments.upperBound), there are \(images.count)")
        }
        let count = garments.count
        let writer = try NpzWriter(
            path: path,
            arrays: [
                .init("image", .float16, shape: [count, Photograph.side, Photograph.side, 1]),
                .init("metadata", .float32, shape: [count, Photograph.metadataCount]),
                .init("kind", .uint8, shape: [count]),
                .init("box", .float32, shape: [count, 4]),
            ])
        for (offset, index) in garments.enumerated() {
            let garment = images[index]
            let photograph = Photograph(of: garment, seed: seed, stream: firstStream + UInt64(offset))
            try writer.append(photograph.image.map { Float16($0) }, to: 0)
            try writer.append(photograph.metadata, to: 1)
            try writer.append([UInt8(garment.kind)], to: 2)
            try writer.append(photograph.box, to: 3)
        }
        try writer.finish()
    }
}
