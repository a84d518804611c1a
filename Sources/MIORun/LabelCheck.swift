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

    /// Warns of suspicious labels and says how many are missing, once for all ranks.
    /// - Throws: `AgreedError` with the first bad label: its shard and row.
    func run(_ dataset: Dataset, of data: SelectedData) throws {
        let communicator = session.communicator
        let rows =
            dataset.rowCount * communicator.rank / communicator.size..<dataset.rowCount
            * (communicator.rank + 1) / communicator.size
        // Each rank may find one: the first of all is reported.
        var found: (row: Int, refusal: String)?
        var messages: [String] = []
        for (output, column) in columns.targetColumns {
            guard let specification = session.job.outputs.first(where: { $0.name == output }),
                let shape = session.job.graph.shape(ofOutput: output)
            else { continue }
            let scan = LabelScan(
                dataset, column: column, output: specification, prediction: shape, rows: rows)
            var labels = scan.survey
            try labels.reduce(communicator)
            let advice = LabelAdvice(
                specification, graph: session.job.graph, prediction: shape, trains: data.isTraining)
            if let (row, fault) = scan.firstFault, found.map({ row < $0.row }) ?? true {
                let location = dataset.location(ofRow: row, column: column)
                found = (
                    row,
                    advice.refusal(
                        labels, fault, at: location, place: "\(data.place): output \(quoted: output)")
                )
            }
            let place = "\(data.place): output \(quoted: output): "
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
        // Those of the rank that has it, on all: a check says the same.
        let own = found.flatMap { Double($0.row) == first ? $0.refusal : nil }
        let refusals = try communicator.allgather(Array((own ?? "").utf8))
        try communicator.agree(on: "the labels of \(data.place)") {
            if let refusal = refusals.first(where: { !$0.isEmpty }) {
                throw RunError(String(decoding: refusal, as: UTF8.self), exitCode: .badInput)
            }
        }
        if communicator.rank == 0 { for message in messages { Message.write(message) } }
    }
}

extension LabelFault {
    /// The whole message: which output, which shard and row, what was expected. Only of data that changed after its labels
    /// were looked at.
    func error(in dataset: Dataset, _ batch: Batch) -> RunError {
        let location = dataset.location(ofRow: batch.globalRows[sample], column: column)
        // Only class labels have one.
        let advice = fault.classes == nil ? "" : ", or set outputs.\(output).missing_label"
        return RunError(
            "output \(quoted: output): \(location): \(fault); correct the data\(advice)", exitCode: .badInput)
    }
}
