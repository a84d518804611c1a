import MIOComm
import MIOData
import MIOTensor
import MIOTraining

/// Goes once through a data set without learning: losses and metrics over all its samples and ranks.
final class Validation {
    private let dataset: Dataset
    private let batchSize: Int
    private let communicator: any Communicator
    private let evaluator: Evaluator

    enum Outcome {
        /// In the order of `LogNames.names`.
        case values([Double])
        /// Some rank was asked to stop.
        case interrupted
    }

    init(replica: Replica, dataset: Dataset, batchSize: Int, communicator: any Communicator) {
        self.dataset = dataset
        self.batchSize = batchSize
        self.communicator = communicator
        evaluator = Evaluator(replica: replica)
    }

    /// - Parameter isInterrupted: asked before every batch.
    /// - Throws: the same on all ranks: `AgreedError` for data that cannot be read, `CommunicationError`.
    func run(isInterrupted: () -> Bool) throws -> Outcome {
        let prefetcher = try communicator.agree(on: "reading the validation data") {
            try Prefetcher(
                dataset: dataset,
                configuration: .init(
                    batchSize: batchSize, endEpoch: 1, shuffle: false, rank: communicator.rank,
                    worldSize: communicator.size))
        }
        defer { prefetcher.stop() }
        evaluator.begin()
        for _ in 0..<prefetcher.schedule.batchesPerEpoch {
            let batch = Result { try prefetcher.next() }
            var failed = false
            if case .failure = batch { failed = true }
            var signals = (stop: isInterrupted() ? 1.0 : 0, failure: failed ? 1.0 : 0)
            try withUnsafeMutableBytes(of: &signals) { bytes in
                let values = bytes.bindMemory(to: Double.self)
                try communicator.allreduceSum(values.baseAddress!, count: 2)
            }
            if signals.failure > 0 {
                _ = try communicator.agree(on: "reading the validation data") { try batch.get() }
            }
            if signals.stop > 0 { return .interrupted }
            if let batch = try batch.get() { evaluator.add(batch) }
        }
        return .values(try evaluator.finish(communicator))
    }
}
