import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOJob
import MIOMachine
import MIOTraining

/// Computes a model's outputs for every sample of a data set, batch by batch, on all ranks: each its part of a batch.
struct PredictionPass {
    /// Where the outputs are wanted.
    enum Receivers {
        /// On rank 0, which writes them.
        case firstRank
        case allRanks
    }

    let session: Session
    let dataset: Dataset
    let outputs: [Prediction.Output]
    /// The samples.
    var count: Int { dataset.rowCount }
    private let columns: ColumnMap
    private let replica: Replica
    private let schedule: BatchSchedule

    /// - Parameter load: gives the replica its weights; may fail on some ranks alone.
    /// - Throws: one error, the same on all ranks.
    init(_ session: Session, data: SelectedData, load: (Replica) throws -> Void) throws {
        self.session = session
        let job = session.job
        columns = ColumnMap(graph: job.graph, outputs: [], inputsOnly: true)
        dataset = try session.openDataset(data, columns: columns.requests)
        schedule = BatchSchedule(rowCount: dataset.rowCount, batchSize: job.training.batchSize)
        let messages = try FiniteCheck(session: session).messages(dataset, place: data.place)
        if session.communicator.rank == 0 {
            for message in messages {
                Message.write("warning: " + message + "; the predictions of such samples mean nothing")
            }
        }
        try IntegerCheck(session: session).run(dataset, place: data.place)
        let replica = try session.makeReplica(schedules: [schedule], outputs: [])
        self.replica = replica
        try session.communicator.agree(on: "the weights") { try load(replica) }
        outputs = replica.plan.outputs.map { Prediction.Output(name: $0.name, shape: $0.shape) }
    }

    /// - Parameter receive: called on the receivers with values of an output of consecutive samples, which begin where those
    ///   before ended; they are valid only during the call.
    /// - Throws: one error, the same on all ranks.
    func run(
        for receivers: Receivers,
        _ receive: (_ output: Int, _ values: UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        let communicator = session.communicator
        let prefetcher = try communicator.agree(on: "reading the data") {
            try Prefetcher(
                dataset: dataset,
                configuration: .init(
                    batchSize: schedule.batchSize, endEpoch: 1, shuffle: false, rank: communicator.rank,
                    worldSize: communicator.size))
        }
        defer { prefetcher.stop() }
        let predictor = Predictor(replica: replica, shards: session.shards)
        var nonFinite = NonFinitePredictions(outputs: outputs)
        func take(_ output: Int, _ values: UnsafeBufferPointer<Float>) throws {
            nonFinite.look(at: values, of: output)
            try receive(output, values)
        }
        for number in 0..<schedule.batchesPerEpoch {
            nonFinite.begin(firstRow: schedule.positions(ofBatch: number).lowerBound)
            if communicator.size == 1 {
                guard let batch = try prefetcher.next() else { break }
                try refuseNumbers(in: batch)
                try predictor.run(batch) { output, _, values in try take(output, values) }
                continue
            }
            let own = try communicator.agree(on: "reading the data", .inShares) {
                let batch = try prefetcher.next()
                if let batch { try refuseNumbers(in: batch) }
                return values(of: batch, predictor)
            }
            let all = try exchange(own, receivers)
            try communicator.agree(on: "the predictions", .ofOneRank) {
                guard let all else { return }
                let parts = (0..<communicator.size).map {
                    schedule.part(ofBatch: number, rank: $0, worldSize: communicator.size).count
                }
                for output in outputs.indices {
                    for (bytes, samples) in zip(all, parts) where samples > 0 {
                        try withFloats(of: output, in: bytes, samples: samples) { try take(output, $0) }
                    }
                }
            }
        }
        guard communicator.rank == 0 else { return }
        let diagnosis = NonFiniteDiagnosis(columns: columns, dataset: dataset, communicator: communicator)
        if let warning = nonFinite.warning(diagnosis) { Message.write("warning: \(warning)") }
    }

    /// - Throws: `RunError` for a number that an embedding cannot look up.
    private func refuseNumbers(in batch: Batch) throws {
        if let fault = replica.firstNumberFault(batch, 0..<batch.count) {
            throw fault.error(in: dataset, batch, session.job.graph)
        }
    }

    // MARK: Between ranks

    /// The outputs of this rank's part of a batch, one after the other, each of all samples.
    private func values(of batch: Batch?, _ predictor: Predictor) -> [UInt8] {
        guard let batch else { return [] }
        var values = outputs.map { _ in [Float]() }
        for (index, output) in outputs.enumerated() {
            values[index].reserveCapacity(batch.count * output.shape.count)
        }
        predictor.run(batch) { output, _, computed in values[output].append(contentsOf: computed) }
        return values.flatMap { $0.withUnsafeBytes { Array($0) } }
    }

    /// Every rank's bytes, by rank; `nil` on a rank that receives none.
    private func exchange(_ own: [UInt8], _ receivers: Receivers) throws(CommunicationError) -> [[UInt8]]? {
        switch receivers {
        case .firstRank: try session.communicator.gather(own, root: 0)
        case .allRanks: try session.communicator.allgather(own)
        }
    }

    private func withFloats(
        of output: Int, in bytes: [UInt8], samples: Int,
        _ body: (UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        let before = outputs[..<output].reduce(0) { $0 + $1.shape.count } * samples
        let count = outputs[output].shape.count * samples
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            bytes.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(
                        rebasing: source[4 * before..<4 * (before + count)]))
            }
            initialized = count
        }
        try values.withUnsafeBufferPointer(body)
    }
}
