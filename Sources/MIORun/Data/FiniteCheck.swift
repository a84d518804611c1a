import MIOBase
import MIOComm
import MIOData
import MIOJob
import MIOMachine

/// Looks at the start for inputs and sample weights that are NaN or infinite: each rank at its share of the rows. A check
/// finds the same with the same words.
///
/// Found at a step they would look like a training that diverges.
package struct FiniteCheck {
    let session: Session

    /// - Returns: a message for each column with such values, in the columns' order; the same on all ranks.
    /// - Throws: `CommunicationError`
    func messages(_ dataset: Dataset, place: String) throws -> [String] {
        let communicator = session.communicator
        let rows =
            dataset.rowCount * communicator.rank / communicator.size..<dataset.rowCount
            * (communicator.rank + 1) / communicator.size
        // `IntegerCheck` looks at integers.
        let columns = dataset.columns.indices.filter {
            dataset.columns[$0].role != .target && dataset.columns[$0].kind != .integer
        }
        let own = columns.map { dataset.nonFiniteValues(ofColumn: $0, rows: rows) }
        var counts = own.map { Double($0.count) }
        try counts.withUnsafeMutableBufferPointer {
            guard let start = $0.baseAddress else { return }
            try communicator.allreduceSum(start, count: $0.count)
        }
        var messages: [String] = []
        for (index, column) in columns.enumerated() where counts[index] > 0 {
            let text = own[index].first.map {
                Self.message(
                    dataset, column: column, count: Int(counts[index]), first: $0, place: place)
            }
            // Ranks have consecutive rows: the first rank with such a value has the first row.
            let texts = try communicator.allgather(Array((text ?? "").utf8))
            messages += texts.first { !$0.isEmpty }.map { [String(decoding: $0, as: UTF8.self)] } ?? []
        }
        return messages
    }

    /// Refuses such data, or warns of it where the job leaves such batches out.
    /// - Parameter isTrained: whether the data is learned from; otherwise no batch is left out.
    /// - Throws: `AgreedError` with exit code 65; `CommunicationError`.
    func run(_ dataset: Dataset, place: String, isTrained: Bool) throws {
        let messages = try messages(dataset, place: place)
        switch session.job.training.nonFinite {
        case .halt:
            try session.communicator.agree(on: place) {
                if let first = messages.first { throw RunError(first + Self.advice, exitCode: .badInput) }
            }
        case .skip, .rollback:
            guard session.communicator.rank == 0 else { return }
            for message in messages {
                Message.write(
                    "warning: " + message + Self.outcome(session.job.training.nonFinite, isTrained: isTrained)
                )
            }
        }
    }

    package static let advice = "; correct the data, or leave such samples out"
    /// What becomes of such data if it is not refused.
    package static func outcome(_ policy: NonFinitePolicy, isTrained: Bool) -> String {
        isTrained
            ? " (training.non_finite: \(policy.rawValue) leaves such batches out)"
            : "; losses over it are NaN"
    }

    /// - Parameters:
    ///   - count: of the values, on all ranks.
    ///   - place: `data.train`
    package static func message(
        _ dataset: Dataset, column: Int, count: Int, first: NonFiniteValues.Place, place: String
    ) -> String {
        let request = dataset.columns[column]
        let name = dataset.elementName(first.element, row: first.row, column: column)
        var (reason, value) = ("NaN or infinite", "\(first.value)")
        if let number = dataset.numberBeyondFloats(first.element, row: first.row, column: column) {
            reason += " as 32-bit floats"
            value = number + ", and such floats hold up to 3.4e38"
        }
        return
            "\(place): \(request.role == .input ? "input" : "sample weights") \(quoted: request.name): "
            + "\(counted(count, "value is", plural: "values are")) \(reason), the first in "
            + "\(dataset.location(ofRow: first.row, column: column)): \(name) is \(value)"
    }
}
