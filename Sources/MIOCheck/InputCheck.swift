import MIOBase
import MIOData
import MIOJob

/// An input's values in one part of the data.
package struct InputCheck: Sendable, Hashable {
    package let name: String
    /// Of one sample.
    package let shape: Shape
    package let statistics: ValueStatistics
    /// Elements that are the same in every sample.
    package let constantElements: Int

    /// Larger values than these saturate activations at the initializers' scale.
    private static let largestUnscaled: Float = 100

    init(_ dataset: Dataset, column: Int) {
        let request = dataset.columns[column]
        let elements = dataset.elementCount(ofColumn: column)
        var statistics = ValueStatistics()
        var first: [Float] = []
        var varies = [Bool](repeating: false, count: elements)
        dataset.scan(column: column) { rows, values in
            for (offset, row) in rows.enumerated() {
                let sample = UnsafeBufferPointer(
                    rebasing: values[offset * elements..<(offset + 1) * elements])
                statistics.add(sample, row: row)
                if first.isEmpty { first = Array(sample) }
                for element in 0..<elements where sample[element] != first[element] { varies[element] = true }
            }
        }
        name = request.name
        shape = request.shape
        self.statistics = statistics
        constantElements = dataset.rowCount > 1 ? varies.count { !$0 } : 0
    }

    /// - Parameters:
    ///   - key: `data.train`
    ///   - areIntegers: whether its values are numbers of something: `IntegerCheck` judges them, and none is too large.
    ///   - isScaled: whether the model itself scales them.
    func judge(
        _ key: String, _ dataset: Dataset, column: Int, policy: NonFinitePolicy, areIntegers: Bool,
        isScaled: Bool, into findings: inout Findings
    ) {
        if statistics.nonFiniteCount > 0, !areIntegers {
            findings.addNonFinite(dataset, column: column, place: key, policy: policy)
        }
        let elements = shape.count
        if constantElements == elements {
            findings.warn(
                "\(key): input \(quoted: name) is the same in every sample: it tells the model nothing")
        } else if constantElements > 0, shape.rank == 1 {
            findings.warn(
                "\(key): input \(quoted: name): \(constantElements) of its \(elements) elements \(constantElements == 1 ? "is" : "are") the same in "
                    + "every sample")
        }
        let largest = max(abs(statistics.minimum), abs(statistics.maximum))
        if statistics.count > 0, !areIntegers, !isScaled, largest >= Self.largestUnscaled {
            findings.warn(
                "\(key): input \(quoted: name) has values up to \(shortText(Double(largest))); models learn best from values "
                    + "of about -1 to 1: scale it when writing the data")
        }
    }
}
