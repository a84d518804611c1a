import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOGraph
import MIOTraining

/// Looks at the start at every input that is taken for whole numbers: each rank at its share of the rows. A check finds the
/// same with the same words.
///
/// An input of integers holds whole numbers of 32 bits; a layer may want them, or the numbers of an input of floats, in a
/// range: an Embedding has so many rows.
package struct IntegerCheck {
    let session: Session

    /// What is wanted of a column.
    package struct Demand {
        package let column: Int
        package let range: Range<Int>
        package let cuts: Bool
        /// Of a sample, ascending; `nil` for all of them.
        package var elements: [Int]? { reader?.elements }
        /// Who wants it; `nil` for the input itself.
        let reader: IntegerReader?

        /// Everything that a model wants of the columns of its inputs, which are the first ones.
        package static func all(_ graph: Graph, _ columns: [ColumnRequest]) -> [Demand] {
            let whole = graph.inputs.indices.filter { columns[$0].kind == .integer }.map {
                Demand(column: $0, range: Int(Int32.min)..<Int(Int32.max) + 1, cuts: false, reader: nil)
            }
            return whole
                + graph.integerReaders.map {
                    Demand(column: $0.input, range: $0.range, cuts: $0.element == .float32, reader: $0)
                }
        }
    }

    /// Refuses data that a demand is not met by.
    /// - Throws: `AgreedError` with exit code 65, the same on all ranks; `CommunicationError`.
    func run(_ dataset: Dataset, place: String) throws {
        let (communicator, graph) = (session.communicator, session.job.graph)
        let demands = Demand.all(graph, dataset.columns)
        let rows =
            dataset.rowCount * communicator.rank / communicator.size..<dataset.rowCount
            * (communicator.rank + 1) / communicator.size
        let own = demands.map {
            dataset.unfitIntegers(
                ofColumn: $0.column, in: $0.range, cuts: $0.cuts, elements: $0.elements, rows: rows)
        }
        var counts = own.map { Double($0.count) }
        try counts.withUnsafeMutableBufferPointer {
            guard let start = $0.baseAddress else { return }
            try communicator.allreduceSum(start, count: $0.count)
        }
        guard let index = counts.firstIndex(where: { $0 > 0 }) else { return }
        let text = own[index].first.map {
            Self.message(demands[index], dataset, graph, count: Int(counts[index]), first: $0, place: place)
        }
        // Ranks have consecutive rows: the first rank with such a value has the first row.
        let texts = try communicator.allgather(Array((text ?? "").utf8))
        try communicator.agree(on: place) {
            if let first = texts.first(where: { !$0.isEmpty }) {
                throw RunError(String(decoding: first, as: UTF8.self), exitCode: .badInput)
            }
        }
    }

    /// - Parameters:
    ///   - count: of the values, on all ranks.
    ///   - place: `data.train`
    package static func message(
        _ demand: Demand, _ dataset: Dataset, _ graph: Graph, count: Int, first: UnfitIntegers.Place,
        place: String
    ) -> String {
        let what: String
        let advice: String
        if let reader = demand.reader {
            what =
                counted(count, "value is", plural: "values are")
                + " outside of what \(reader.described(in: graph))"
            let mayGrow =
                graph.hasRows(reader) && !first.value.hasPrefix("-") && Double(first.value)?.isFinite == true
            advice = mayGrow ? ", or make input_dim larger than every number" : ""
        } else {
            what =
                counted(count, "value is no whole number", plural: "values are no whole numbers")
                + " of 32 bits"
            advice = ", or make the input's dtype float32"
        }
        let name = dataset.elementName(first.element, row: first.row, column: demand.column)
        return "\(place): input \(quoted: dataset.columns[demand.column].name): \(what), the first in "
            + "\(dataset.location(ofRow: first.row, column: demand.column)): \(name) is \(first.value); "
            + "correct the data" + advice
    }
}

extension IntegerReader {
    /// `layer "words" (Embedding) takes, 0 to 99 (input_dim: 100)`
    func described(in graph: Graph) -> String {
        let entry = graph.layers[graph.nodes[node].layer]
        return
            "layer \(quoted: entry.name) (\(type(of: entry.layer).className)) takes, \(range.lowerBound) to "
            + "\(range.upperBound - 1)" + (graph.hasRows(self) ? " (input_dim: \(range.upperBound))" : "")
    }
}

extension Graph {
    /// Whether a call's range is its layer's argument `input_dim`.
    fileprivate func hasRows(_ reader: IntegerReader) -> Bool {
        layer(of: reader.node).config["input_dim"] == .integer(reader.range.upperBound)
    }
}
