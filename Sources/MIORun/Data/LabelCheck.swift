import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOGraph
import MIOMachine
import MIOObjectives
import MIOTraining

/// Looks at every label before anything is touched: each rank at its share of the rows.
///
/// Labels are small beside inputs; a bad one found at step 90,000 would cost a night.
struct LabelCheck {
    let session: Session
    let columns: ColumnMap

    /// Warns of suspicious labels and says how many are missing, once for all ranks.
    /// - Returns: what was found of each output's labels, by its name: the same on all ranks.
    /// - Throws: `AgreedError` with the first bad label: its shard and row.
    @discardableResult
    func run(_ dataset: Dataset, of data: SelectedData) throws -> [String: LabelSurvey] {
        var surveys: [String: LabelSurvey] = [:]
        let communicator = session.communicator
        let rows =
            dataset.rowCount * communicator.rank / communicator.size..<dataset.rowCount
            * (communicator.rank + 1) / communicator.size
        // Each rank may find one: the first of all is reported, in the words of `mio check`.
        var found: (row: Int, error: RunError)?
        var messages: [String] = []
        for (output, column) in columns.targetColumns {
            guard let specification = session.job.outputs.first(where: { $0.name == output }),
                let shape = session.job.graph.shape(ofOutput: output)
            else { continue }
            let scan = LabelScan(
                dataset, column: column, output: specification, prediction: shape, rows: rows)
            var labels = scan.survey
            try labels.reduce(communicator)
            surveys[output] = labels
            let advice = LabelAdvice(
                specification, graph: session.job.graph, prediction: shape, trains: data.isTraining)
            let place = "\(data.place): output \(quoted: output): "
            if let (row, fault) = scan.firstFault, found.map({ row < $0.row }) ?? true {
                let location = dataset.location(ofRow: row, column: column)
                found = (
                    row,
                    RunError(
                        place + advice.invalid(labels, first: fault, location), exitCode: .badInput)
                )
            }
            messages += advice.warnings(labels).map { "warning: " + place + $0 }
            // The same on all ranks, which reduce together.
            for number in SentinelScan.candidates(labels) {
                var sentinel = SentinelScan(dataset, column: column, number: number, rows: rows)
                try sentinel.reduce(communicator)
                if let warning = advice.warning(sentinel, labels) {
                    messages.append("warning: " + place + warning)
                }
            }
            if let note = advice.note(labels) { messages.append(place + note) }
        }
        let first = -(try communicator.allreduceMax(-(found.map { Double($0.row) } ?? .infinity)))
        try communicator.agree(on: "the labels of \(data.place)", .inShares) {
            if let found, Double(found.row) == first { throw found.error }
        }
        if communicator.rank == 0 { for message in messages { Message.write(message) } }
        return surveys
    }
}

extension BatchFault {
    /// The whole message. All data was looked at before.
    func error(in dataset: Dataset, _ batch: Batch, _ graph: Graph) -> RunError {
        switch self {
        case .label(let fault): fault.error(in: dataset, batch)
        case .number(let fault): fault.error(in: dataset, batch, graph)
        }
    }
}

extension LabelFault {
    fileprivate func error(in dataset: Dataset, _ batch: Batch) -> RunError {
        let location = dataset.location(ofRow: batch.globalRows[sample], column: column)
        return RunError(
            "output \(quoted: output): \(location): the target is \(fault.value) now, which is no label, and was another "
                + "number when the labels were checked; leave the data as it is while it is read",
            exitCode: .badInput)
    }
}

extension NumberFault {
    func error(in dataset: Dataset, _ batch: Batch, _ graph: Graph) -> RunError {
        let row = batch.globalRows[sample]
        let name = dataset.elementName(element, row: row, column: column)
        let number = value == value.rounded() ? "\(Int(value))" : "\(value)"
        return RunError(
            "input \(quoted: dataset.columns[column].name): \(dataset.location(ofRow: row, column: column)): \(name) is "
                + "\(number) now, which is outside of what \(reader.described(in: graph)), and was another number when the "
                + "data were checked; leave the data as it is while it is read", exitCode: .badInput)
    }
}
