import MIOData
import MIOGraph
import MIOTensor

extension StartingModel {
    /// Writes rows of made-up numbers to an `.npz`: inputs in [−1, 1), boxes in [0, 1), any class.
    /// - Parameter stream: another one gives other numbers.
    /// - Throws: `FileError`
    public func writeData(rows: Int, imageSide: Int, stream: UInt64 = 0, to path: String) throws {
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
        switch self {
        case .imageMetadata:
            try NpzWriter.write(
                [
                    ("image", uniform([imageSide, imageSide, 3], -1)), ("metadata", uniform([10], -1)),
                    ("answer", classes(2, [1])),
                ], to: path)
        case .twoHeads:
            try NpzWriter.write(
                [("input", uniform([100], -1)), ("kind", classes(10, [])), ("box", uniform([4], 0))],
                to: path)
        }
    }
}
