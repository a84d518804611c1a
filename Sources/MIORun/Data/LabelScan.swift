import MIOBase
import MIOComm
import MIOData
import MIOObjectives

/// A survey of one output's targets in the data, and the first that its loss cannot take.
package struct LabelScan {
    package private(set) var survey: LabelSurvey
    /// Its position is that in the row.
    package private(set) var firstFault: (row: Int, fault: TargetFault)?

    /// - Parameters:
    ///   - column: of the targets.
    ///   - prediction: the shape of the output.
    ///   - rows: all by default.
    package init(
        _ dataset: Dataset, column: Int, output: OutputSpecification, prediction: Shape,
        rows: Range<Int>? = nil
    ) {
        let labelling = output.targetLabelling
        let classes = prediction.last
        let width = labelling.kind.isSingle ? 1 : classes
        var survey = LabelSurvey(labelling, classes: classes)
        var first: (row: Int, fault: TargetFault)?
        dataset.scan(column: column, rows: rows) { rows, values in
            guard let targets = values.baseAddress else { return }
            let positions = values.count / max(width, 1)
            let faults = survey.faults
            survey.add(targets: targets, positions: positions, targetWidth: width)
            guard first == nil, survey.faults > faults,
                let fault = labelling.firstFault(
                    targets: targets, positions: positions, targetWidth: width, classes: classes)
            else { return }
            let (row, position) = fault.position.quotientAndRemainder(
                dividingBy: max(positions / rows.count, 1))
            var found = TargetFault(
                position: position, element: fault.element, value: fault.value, classes: fault.classes)
            if fault.value.isInfinite {
                found.beyondFloats = dataset.numberBeyondFloats(
                    position * width + fault.element, row: rows.lowerBound + row, column: column)
            }
            first = (rows.lowerBound + row, found)
        }
        self.survey = survey
        firstFault = first
    }
}

extension LabelSurvey {
    /// That of the rows of all ranks.
    /// - Throws: `CommunicationError`
    mutating func reduce(_ communicator: any Communicator) throws {
        var numbers = additive
        try numbers.withUnsafeMutableBufferPointer {
            guard let start = $0.baseAddress else { return }
            try communicator.allreduceSum(start, count: $0.count)
        }
        additive = numbers
        largest = Float(try communicator.allreduceMax(Double(largest)))
        smallest = -Float(try communicator.allreduceMax(-Double(smallest)))
    }
}
