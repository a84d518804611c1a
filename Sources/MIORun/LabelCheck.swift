import MIOComm
import MIOData
import MIOObjectives
import MIOTensor
import MIOTraining

/// Looks at every label before anything is touched: each rank at its share of the rows.
///
/// Labels are small beside inputs; a bad one found at step 90,000 would cost a night.
struct LabelCheck {
    let session: Session
    let columns: ColumnMap

    /// Warns of outputs without any label.
    /// - Throws: `AgreedError` with the first bad label: its shard and row.
    func run(_ dataset: Dataset, key: String) throws {
        let communicator = session.communicator
        let rows =
            dataset.rowCount * communicator.rank / communicator.size..<dataset.rowCount
            * (communicator.rank + 1) / communicator.size
        // Each rank may find one: the first of all is told.
        var found: (row: Int, error: RunError)?
        var unlabelled: [String] = []
        for (output, column) in columns.targetColumns {
            guard let specification = session.job.outputs.first(where: { $0.name == output }),
                let shape = session.job.graph.shape(ofOutput: output)
            else { continue }
            let loss = specification.loss
            let labelling = TargetLabelling(loss, missingLabel: specification.missingLabel)
            let width = loss.targetKind == .classIndex ? 1 : shape.last
            var hasLabel = false
            dataset.scan(column: column, rows: rows) { rows, values in
                guard let targets = values.baseAddress else { return }
                let positions = values.count / max(width, 1)
                hasLabel =
                    hasLabel
                    || labelling.hasLabel(targets: targets, positions: positions, targetWidth: width)
                guard
                    let fault = labelling.firstFault(
                        targets: targets, positions: positions, targetWidth: width, classes: shape.last)
                else { return }
                let row = rows.lowerBound + fault.position / max(positions / rows.count, 1)
                guard found.map({ row < $0.row }) ?? true else { return }
                found = (row, Self.error(output, fault, dataset.location(ofRow: row, column: column)))
            }
            if try communicator.allreduceMax(hasLabel ? 1 : 0) == 0 { unlabelled.append(output) }
        }
        let first = -(try communicator.allreduceMax(-(found.map { Double($0.row) } ?? .infinity)))
        try communicator.agree(on: "the labels of data.\(key)") {
            if let found, Double(found.row) == first { throw found.error }
        }
        guard communicator.rank == 0 else { return }
        for output in unlabelled {
            Message.write(
                "warning: data.\(key): output \"\(output)\": no sample has a label: its loss and metrics are 0"
                    + (key == "train" ? ", and it learns nothing" : ""))
        }
    }

    static func error(_ output: String, _ fault: TargetFault, _ location: Dataset.Location) -> RunError {
        let expected =
            fault.classes.map { "a class index, a whole number from 0 to \($0 - 1), or the missing label" }
            ?? "a finite number, or NaN where there is no label"
        // Only class labels have one.
        let advice = fault.classes == nil ? "" : ", or set outputs.\(output).missing_label"
        return RunError(
            "output \"\(output)\": \(location): the target is \(fault.value); expected \(expected). "
                + "Correct the data\(advice)", exitCode: .badInput)
    }
}

extension LabelFault {
    /// The whole message: which output, which shard and row, what was expected.
    func error(in dataset: Dataset, _ batch: Batch) -> RunError {
        LabelCheck.error(output, fault, dataset.location(ofRow: batch.globalRows[sample], column: column))
    }
}
