import MIOComm
import MIOData
import MIOTensor
import MIOTraining

/// Finds out, after a step whose loss or gradient was not finite, whose fault it was: the output, the rank,
/// and the first bad sample's shard and row.
struct NonFiniteDiagnosis {
    let step: TrainingStep
    let dataset: Dataset
    let communicator: any Communicator

    /// All ranks call it together, before the batch is given back.
    /// - Returns: one sentence, the same on all ranks.
    /// - Throws: `CommunicationError`
    func describe(_ batch: Batch, stepNumber: Int, seed: UInt64) throws -> String {
        var finding = ""
        if let bad = step.firstNonFiniteLoss(batch, step: stepNumber - 1) {
            let row = batch.globalRows[bad.sample]
            var text = "\(bad) on rank \(communicator.rank), first for \(dataset.location(ofRow: row))"
            if let column = firstNonFinite(batch, sample: bad.sample) {
                text += ", whose \(column) is not finite"
            }
            finding = text
        } else if let bad = firstNonFinite(batch) {
            // An activation may turn what is not finite into a finite loss; its gradient still is not. A sample's weight
            // comes after its loss.
            finding =
                "\(bad.column) is not finite on rank \(communicator.rank), first for "
                + "\(dataset.location(ofRow: batch.globalRows[bad.sample]))"
        }
        let findings = try communicator.allgather(Array(finding.utf8)).map {
            String(decoding: $0, as: UTF8.self)
        }
        if let first = findings.first(where: { !$0.isEmpty }) { return "step \(stepNumber): \(first)" }
        let parameters = step.nonFiniteParameters()
        return "step \(stepNumber): every loss is finite, but the gradient of "
            + (parameters.isEmpty ? "the model" : parameters.prefix(3).joined(separator: ", ")) + " is not"
    }

    private func firstNonFinite(_ batch: Batch) -> (column: String, sample: Int)? {
        for sample in 0..<batch.count {
            if let column = firstNonFinite(batch, sample: sample) { return (column, sample) }
        }
        return nil
    }

    /// Of a sample's inputs and weights: a target that is no number is none.
    private func firstNonFinite(_ batch: Batch, sample: Int) -> String? {
        for (index, column) in dataset.columns.enumerated() {
            guard let kind = step.kind(ofColumn: index), kind != .target else { continue }
            let elements = column.shape.count
            let values = batch.values(ofColumn: index) + sample * elements
            if (0..<elements).contains(where: { !values[$0].isFinite }) {
                return "\(kind == .input ? "input" : "sample weight") \"\(column.name)\""
            }
        }
        return nil
    }
}
