import MIOBase
import MIOBatches

/// Counts the predictions that are NaN or infinite while they are written.
struct NonFinitePredictions {
    /// Floats of one sample of each output.
    private let widths: [Int]
    private let names: [String]
    /// Of the batch at hand: its first row, and how many samples of each output have been seen.
    private var firstRow = 0
    private var seen: [Int]
    private var counts: [Int]
    private var firstRows: [Int?]

    init(outputs: [Prediction.Output]) {
        widths = outputs.map { max($0.shape.count, 1) }
        names = outputs.map(\.name)
        seen = [Int](repeating: 0, count: outputs.count)
        counts = seen
        firstRows = [Int?](repeating: nil, count: outputs.count)
    }

    /// The samples of a batch follow, in order.
    /// - Parameter firstRow: of the batch in the data set.
    mutating func begin(firstRow row: Int) {
        firstRow = row
        for output in seen.indices { seen[output] = 0 }
    }

    mutating func look(at values: UnsafeBufferPointer<Float>, of output: Int) {
        let width = widths[output]
        for sample in 0..<values.count / width {
            let row = values[sample * width..<(sample + 1) * width]
            guard !row.allSatisfy(\.isFinite) else { continue }
            counts[output] += 1
            if firstRows[output] == nil { firstRows[output] = firstRow + seen[output] + sample }
        }
        seen[output] += values.count / width
    }

    /// One sentence: how many of which outputs, and where the first is; `nil` if all are finite.
    func warning(_ diagnosis: NonFiniteDiagnosis) -> String? {
        guard let first = firstRows.compactMap(\.self).min() else { return nil }
        let parts = zip(names, counts).filter { $1 > 0 }.map { "\(counted($1, "sample")) of \(quoted: $0)" }
        return "predictions that are NaN or infinite: \(parts.joined(separator: ", ")); the first for "
            + diagnosis.description(ofRow: first)
    }
}
