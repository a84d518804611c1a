import MIOBase
import MIOData
import MIOGraph
import MIOMachine

extension StartingModel {
    /// Writes rows of made-up numbers to an `.npz`: inputs in [−1, 1), boxes in [0, 1), any class.
    /// - Parameters:
    ///   - stream: another one gives other numbers.
    ///   - missing: whether every third number of the last output's targets is missing.
    /// - Throws: `FileError`; `RunError` where memory cannot hold them.
    package func writeData(
        rows: Int, imageSide: Int, stream: UInt64 = 0, missing: Bool = false, to path: String
    ) throws {
        // All arrays at once, and the file's bytes of the largest.
        let floats = self == .imageMetadata ? imageSide.clampedTimes(imageSide).clampedTimes(3) : 100
        let needed = rows.clampedTimes(floats.clampedPlus(16)).clampedTimes(2 * MemoryLayout<Float>.size)
        try MemoryLimit.verify(needed, for: "\(rows) samples of made-up data")
        var random = PhiloxSequence(seed: 1, stream: stream)
        func uniform(_ shape: [Int], _ low: Float) -> Tensor {
            let shape = Shape([rows] + shape)
            return Tensor(shape: shape, values: (0..<shape.count).map { _ in random.nextUniform(low, 1) })
        }
        func classes(_ count: UInt32, _ shape: [Int]) -> Tensor {
            let shape = Shape([rows] + shape)
            return Tensor(
                shape: shape, values: (0..<shape.count).map { _ in Float(random.nextWord() % count) })
        }
        func labels(_ targets: Tensor) -> Tensor {
            guard missing else { return targets }
            return Tensor(
                shape: targets.shape, values: targets.values.enumerated().map { $0 % 3 == 0 ? .nan : $1 })
        }
        switch self {
        case .imageMetadata:
            try NpzWriter.write(
                [
                    ("image", uniform([imageSide, imageSide, 3], -1)), ("metadata", uniform([10], -1)),
                    ("answer", labels(classes(2, [1]))),
                ], to: path)
        case .twoHeads:
            try NpzWriter.write(
                [("input", uniform([100], -1)), ("kind", classes(10, [])), ("box", labels(uniform([4], 0)))],
                to: path)
        }
    }
}
