import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOTraining

/// Finds out, where a loss or gradient was not finite, whose fault it was: the output, the rank, and the first bad
/// sample's shard and row.
struct NonFiniteDiagnosis {
    let columns: ColumnMap
    let dataset: Dataset
    let communicator: any Communicator

    /// Whose fault it was.
    struct Finding {
        /// One sentence.
        let text: String
        /// Whether the data is at fault, and not the training.
        let isOfData: Bool
    }

    /// Of a step. All ranks call it together, before the batch is given back.
    /// - Returns: the same on all ranks.
    /// - Throws: `CommunicationError`
    func describe(_ batch: Batch, in step: TrainingStep, stepNumber: Int) throws -> Finding {
        // The data first: what is not finite there makes losses that are not, of other samples' rows too.
        if let first = try first(of: dataFinding(in: batch)) {
            return Finding(text: "step \(stepNumber): \(first)", isOfData: true)
        }
        let bad = step.firstNonFiniteLoss(batch, step: stepNumber - 1)
        if let first = try first(of: finding(bad, in: batch)) {
            return Finding(text: "step \(stepNumber): \(first)", isOfData: false)
        }
        let weights = step.nonFiniteWeights()
        return Finding(
            text: "step \(stepNumber): every loss is finite, but the gradient of "
                + (weights.isEmpty ? "the model" : weights.prefix(3).joined(separator: ", "))
                + " is not", isOfData: false)
    }

    /// The finding of the first rank that has one. All ranks call it together.
    /// - Throws: `CommunicationError`
    func first(of finding: String) throws -> String? {
        let findings = try communicator.allgather(Array(finding.utf8)).map {
            String(decoding: $0, as: UTF8.self)
        }
        return findings.first { !$0.isEmpty }
    }

    /// What this rank's part of a batch has; empty if nothing.
    /// - Parameter bad: the first of its losses that is not finite.
    func finding(_ bad: NonFiniteLoss?, in batch: Batch) -> String {
        // An activation may turn what is not finite into a finite loss; its gradient still is not. A sample's weight comes
        // after its loss.
        let ofData = dataFinding(in: batch)
        guard ofData.isEmpty, let bad else { return ofData }
        return "\(bad) on rank \(communicator.rank), first for "
            + "\(dataset.location(ofRow: batch.globalRows[bad.sample]))"
    }

    /// The same of data that is not learned from, with what can be done.
    func advice(on bad: NonFiniteLoss?, in batch: Batch) -> String {
        let text = finding(bad, in: batch)
        guard !text.isEmpty else { return "" }
        return text
            + (dataFinding(in: batch).isEmpty
                ? ", whose inputs and targets are finite: the weights may have diverged"
                : "; correct that sample, or leave it out")
    }

    /// The first input, sample weight or target of this rank's part of a batch that is not finite; empty if there is none.
    private func dataFinding(in batch: Batch) -> String {
        guard let bad = firstNonFinite(batch) else { return "" }
        return "\(bad.column) is not finite on rank \(communicator.rank), first for "
            + "\(dataset.location(ofRow: batch.globalRows[bad.sample]))"
    }

    private func firstNonFinite(_ batch: Batch) -> (column: String, sample: Int)? {
        for sample in 0..<batch.count {
            if let column = firstNonFinite(batch, sample: sample) { return (column, sample) }
        }
        return nil
    }

    /// Of a sample: a target that is NaN is no label.
    private func firstNonFinite(_ batch: Batch, sample: Int) -> String? {
        // The bits of integers are no floats.
        for (index, column) in dataset.columns.enumerated() where column.kind != .integer {
            let elements = column.shape.count
            let values = batch.values(ofColumn: index) + sample * elements
            let isTarget = column.role == .target
            if (0..<elements).contains(where: {
                !values[$0].isFinite && !(isTarget && values[$0].isNaN)
            }) {
                let what =
                    switch column.role {
                    case .input: "input"
                    case .target: "target"
                    case .weight: "sample weight"
                    }
                return "\(what) \(quoted: column.name)"
            }
        }
        return nil
    }

    /// Where a row is, and which of its inputs is not finite.
    func description(ofRow row: Int) -> String {
        let text = "\(dataset.location(ofRow: row))"
        for (index, column) in dataset.columns.enumerated()
        where column.role == .input && column.kind != .integer {
            var values = [Float](repeating: 0, count: column.shape.count)
            values.withUnsafeMutableBufferPointer { buffer in
                if let start = buffer.baseAddress { _ = dataset.read(row: row, column: index, into: start) }
            }
            guard !values.allSatisfy(\.isFinite) else { continue }
            return text + ", whose input \(quoted: column.name) is not finite"
        }
        return text + ", whose inputs are finite: the weights may have diverged"
    }
}
