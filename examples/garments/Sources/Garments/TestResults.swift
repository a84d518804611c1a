import MIOBase
import MIOData

/// Test samples beside what a model made of them.
package struct TestResults: Sendable {
    package let samples: [Sample]

    package struct Sample: Sendable {
        /// 64×64, from 0 to 1, row by row.
        package let image: [Float]
        package let kind: Int
        package let predictedKind: Int
        /// Left, top, right, bottom, as fractions of the canvas.
        package let box: [Float]
        package let predictedBox: [Float]

        package var isRight: Bool { kind == predictedKind }

        /// The overlap of true and predicted box: intersection over union.
        package var overlap: Double {
            func area(_ left: Float, _ top: Float, _ right: Float, _ bottom: Float) -> Double {
                Double(max(right - left, 0)) * Double(max(bottom - top, 0))
            }
            let (a, b) = (box, predictedBox)
            let common = area(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
            let union = area(a[0], a[1], a[2], a[3]) + area(b[0], b[1], b[2], b[3]) - common
            return union > 0 ? common / union : 0
        }
    }

    package var accuracy: Double { Double(samples.count(where: \.isRight)) / Double(samples.count) }
    package var meanOverlap: Double { samples.reduce(0) { $0 + $1.overlap } / Double(samples.count) }

    /// - Parameters:
    ///   - shards: in the order in which the predictions were made.
    ///   - predictions: an `.npz` file of `kind` (n, 10) and `box` (n, 4), as `mio predict` writes it.
    /// - Throws: `DataError` if a file is missing, damaged, or does not fit the others.
    package init(shards: [String], predictions path: String) throws {
        let scratch = ScratchStore()
        func values(_ name: String, of file: NpzFile, row: Shape) throws -> [Float] {
            guard let array = try file.array(named: name, scratch: scratch) else {
                throw DataError(
                    .missingArray, file.path,
                    "no array \(quoted: name); it holds \(file.arrayNames.joined(separator: ", "))")
            }
            guard array.rowShape == row else {
                throw DataError(
                    .wrongShape, "\(file.path): array \(quoted: name)",
                    "samples of shape \(array.rowShape), \(row) expected")
            }
            return array.values()
        }
        let side = Photograph.side
        let kinds = GarmentKind.all.count
        let file = try NpzFile(path: path)
        let scores = try values("kind", of: file, row: [kinds])
        let predictedBoxes = try values("box", of: file, row: [4])
        var (images, labels, boxes): ([Float], [Float], [Float]) = ([], [], [])
        for shard in shards {
            let file = try NpzFile(path: shard)
            images += try values("image", of: file, row: [side, side, 1])
            labels += try values("kind", of: file, row: [])
            boxes += try values("box", of: file, row: [4])
        }
        let count = labels.count
        guard count > 0, images.count == count * side * side, boxes.count == count * 4,
            scores.count == count * kinds, predictedBoxes.count == count * 4
        else {
            throw DataError(
                .unequalCounts, path,
                "\(predictedBoxes.count / 4) predictions for \(count) test samples; predict these shards anew"
            )
        }
        samples = (0..<count).map { index in
            let row = scores[index * kinds..<(index + 1) * kinds]
            return Sample(
                image: Array(images[index * side * side..<(index + 1) * side * side]),
                kind: Int(labels[index]),
                predictedKind: row.indices.max { row[$0] < row[$1] }! - row.startIndex,
                box: Array(boxes[index * 4..<index * 4 + 4]),
                predictedBox: Array(predictedBoxes[index * 4..<index * 4 + 4]))
        }
    }
}
