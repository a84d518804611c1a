import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOGraph
import MIOTraining

/// Goes once through a data set without learning: losses and metrics over all its samples and ranks.
package final class Validation {
    let dataset: Dataset
    private let batchSize: Int
    private let graph: Graph
    private let communicator: any Communicator
    private let evaluator: Evaluator
    private let diagnosis: NonFiniteDiagnosis

    package enum Outcome {
        /// In the order of `names`; where the first loss is that is not finite, if one is: the same on all ranks.
        case values([Double], nonFinite: String?)
        /// Some rank was asked to stop.
        case interrupted
    }

    init(replica: Replica, dataset: Dataset, batchSize: Int, session: Session) {
        self.dataset = dataset
        self.batchSize = batchSize
        graph = replica.graph
        communicator = session.communicator
        diagnosis = NonFiniteDiagnosis(
            columns: replica.columns, dataset: dataset, communicator: communicator)
        evaluator = Evaluator(replica: replica, shards: session.shards)
    }

    /// Keras' log names: `loss`, `kind_loss`, `kind_accuracy`.
    package var names: [String] { evaluator.names.names }

    /// - Parameter isInterrupted: asked before every batch.
    /// - Throws: the same on all ranks: `AgreedError` for data that cannot be read or labels that cannot be,
    ///   `CommunicationError`.
    package func run(isInterrupted: () -> Bool) throws -> Outcome {
        let prefetcher = try communicator.agree(on: "reading the data") {
            try Prefetcher(
                dataset: dataset,
                configuration: .init(
                    batchSize: batchSize, endEpoch: 1, shuffle: false, rank: communicator.rank,
                    worldSize: communicator.size))
        }
        defer { prefetcher.stop() }
        var failure: (any Error)?
        var finding = ""
        evaluator.begin()
        for _ in 0..<prefetcher.schedule.batchesPerEpoch {
            do {
                if failure == nil, let batch = try prefetcher.next() {
                    let wasFinite = evaluator.isFinite
                    failure = evaluator.add(batch)?.error(in: dataset, batch, graph)
                    if wasFinite, !evaluator.isFinite {
                        finding = diagnosis.advice(on: evaluator.firstNonFiniteLoss, in: batch)
                    }
                }
            } catch { failure = error }
            var signals = (stop: isInterrupted() ? 1.0 : 0, failure: failure == nil ? 0.0 : 1)
            try withUnsafeMutableBytes(of: &signals) { bytes in
                guard let values = bytes.bindMemory(to: Double.self).baseAddress else { return }
                try communicator.allreduceSum(values, count: 2)
            }
            if signals.failure > 0 {
                try communicator.agree(on: "reading the data", .inShares) { if let failure { throw failure } }
            }
            if signals.stop > 0 { return .interrupted }
        }
        let values = try evaluator.finish(communicator)
        // Sums of all ranks: all ask each other, or none does.
        guard !values.allSatisfy(\.isFinite) else { return .values(values, nonFinite: nil) }
        return .values(values, nonFinite: try diagnosis.first(of: finding))
    }
}
