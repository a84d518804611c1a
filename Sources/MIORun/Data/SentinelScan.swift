import MIOComm
import MIOData
import MIOObjectives

/// How often a number that may stand for "no label" occurs among an output's targets, and what the others are: −200 of a
/// sensor table, 9999 of a form.
package struct SentinelScan {
    package let number: Float
    package private(set) var count = 0
    /// Of the other finite targets; infinity and −infinity without one.
    private(set) var smallest = Float.infinity
    private(set) var largest = -Float.infinity

    /// Extreme targets that may be such a number: whole, and far from what models are trained on. Mostly there is none.
    package static func candidates(_ labels: LabelSurvey) -> [Float] {
        let labelling = labels.labelling
        guard labelling.kind == .real, labelling.missing == nil, labels.labels > 1 else { return [] }
        return [labels.smallest, labels.largest].filter {
            ($0 <= -9 || $0 >= 99) && $0.rounded() == $0
        }
    }

    /// - Parameters:
    ///   - column: of the targets.
    ///   - rows: all by default.
    package init(_ dataset: Dataset, column: Int, number: Float, rows: Range<Int>? = nil) {
        self.number = number
        var (count, smallest, largest) = (0, Float.infinity, -Float.infinity)
        dataset.scan(column: column, rows: rows) { _, values in
            for value in values where value.isFinite {
                if value == number {
                    count += 1
                } else {
                    smallest = min(smallest, value)
                    largest = max(largest, value)
                }
            }
        }
        (self.count, self.smallest, self.largest) = (count, smallest, largest)
    }

    /// That of the rows of all ranks.
    /// - Throws: `CommunicationError`
    package mutating func reduce(_ communicator: any Communicator) throws {
        var sum = Double(count)
        try withUnsafeMutablePointer(to: &sum) { try communicator.allreduceSum($0, count: 1) }
        count = Int(sum)
        largest = Float(try communicator.allreduceMax(Double(largest)))
        smallest = -Float(try communicator.allreduceMax(-Double(smallest)))
    }

    /// Whether the number occurs several times, and further from all others than twice as far as those are apart.
    package var isSuspicious: Bool {
        let distance = number < smallest ? smallest - number : number - largest
        return count > 1 && largest > smallest && distance > 2 * (largest - smallest)
    }
}
