import Foundation
import KerasParity
import MIO
import MIOBase
import MIOBatches
import MIOComm
import MIOConfig
import MIOData
import MIOJob
import MIOKernels
import MIOOptimizers
import MIOPlan
import MIOTraining
import MIOTuning
import TestFolders
import Testing

/// Models that read numbers of words, and models whose steps are masked, trained as Keras trained them.
@Suite struct MaskedParityTests {
    private struct Outcome: Equatable {
        var logs: [String: [Double]] = [:]
        var weights: [String: [Float]] = [:]
    }

    static let cases = 18

    /// Alone and on up to 4 ranks, of which the last have no sample of a batch of 6 cut into passes of 1.
    @Test(arguments: 0..<cases, [1, 2, 3, 4]) func trainsAsKerasDoes(number: Int, ranks: Int) throws {
        let golden = try Golden(named: "masked")
        #expect(try golden["cases"].list.count == Self.cases)
        let one = try golden["cases"].list[number]
        let seed = UInt64(try golden["seed"].integer)
        let folder = try TemporaryFolder()
        let job = try Self.prepare(one, golden, seed, in: folder)
        let start = try one["start"].list.map {
            (name: try $0["path"].string, tensor: try $0.draw(seed: seed))
        }
        let label = try one["name"].string
        for kernels in KernelSelection.allCases {
            let outcomes = try InProcessCommunicator.run(worldSize: ranks) { communicator in
                try Self.train(
                    job, start, communicator, pass: ranks == 1 ? 6 : 1,
                    batchSize: golden["batch_size"].integer, backend: kernels.makeBackend(threads: 1))
            }
            for outcome in outcomes { #expect(outcome == outcomes[0], "\(label)") }
            let outcome = outcomes[0]
            #expect(try one["logs"].dictionary.keys.sorted() == outcome.logs.keys.sorted(), "\(label)")
            for name in try one["logs"].dictionary.keys {
                let worst = try Quantity(one["logs"][name]).worst(outcome.logs[name] ?? [])
                #expect(worst.isWithinTolerance, "\(label), \(kernels), \(ranks) ranks, \(name): \(worst)")
            }
            for final in try one["weights"].list {
                let name = try final["path"].string
                let worst = try final.worst(of: outcome.weights[name] ?? [], seed: seed)
                #expect(worst.isWithinTolerance, "\(label), \(kernels), \(ranks) ranks, \(name): \(worst)")
            }
        }
    }

    /// Writes the data of all steps, and reads the job that the case has.
    private static func prepare(
        _ one: Golden, _ golden: Golden, _ seed: UInt64, in folder: TemporaryFolder
    ) throws -> Job {
        let (steps, batchSize) = (try golden["steps"].integer, try golden["batch_size"].integer)
        var tensors: [(name: String, tensor: Tensor)] = []
        for part in [try one["inputs"], try one["targets"]] {
            for name in try part.dictionary.keys {
                let batches = try (0..<steps).map { try part[name].draw(seed: seed, streamOffset: 10 * $0) }
                let shape = Shape([steps * batchSize] + batches[0].shape.dimensions.dropFirst())
                tensors.append((name, Tensor(shape: shape, values: batches.flatMap(\.values))))
            }
        }
        try NpzWriter.write(tensors, to: folder.path("train.npz"))
        guard case .dictionary(var job) = try one["job"].value else { preconditionFailure("a mapping") }
        job["name"] = "masked"
        job["data"] = .dictionary(["train": .dictionary(["files": "train.npz"])])
        job["training"] = .dictionary(["epochs": 1, "batch_size": .integer(batchSize)])
        return try Job(yaml: ConfigValue.dictionary(job).json(), folder: folder.path)
    }

    private static func train(
        _ job: Job, _ start: [(name: String, tensor: Tensor)], _ communicator: any Communicator, pass: Int,
        batchSize: Int, backend: any KernelBackend
    ) throws -> Outcome {
        let columns = ColumnMap(graph: job.graph, outputs: job.outputs)
        let dataset = try Dataset(
            DatasetRequest(files: [job.folder + "/train.npz"]), columns: columns.requests)
        let part = BatchSchedule(rowCount: dataset.rowCount, batchSize: batchSize)
            .largestPart(worldSize: communicator.size)
        let plan = Plan(
            Replica.planRequest(graph: job.graph, outputs: job.outputs, pass: min(pass, part)),
            backend: backend)
        let memory = try TrainingMemory(
            plan: plan, graph: job.graph, outputs: job.outputs, optimizer: job.optimizer,
            communicator: communicator)
        let replica = try Replica(
            graph: job.graph, outputs: job.outputs, backend: backend, plan: plan, part: part, memory: memory)
        let prefetcher = try Prefetcher(
            dataset: dataset,
            configuration: .init(
                batchSize: batchSize, endEpoch: 1, seed: 0, shuffle: false, rank: communicator.rank,
                worldSize: communicator.size))
        defer { prefetcher.stop() }
        try replica.prepare(shardSizes: Set(0...part))
        replica.setCanonicalWeights(start)
        let step = TrainingStep(
            replica: replica,
            optimizer: OptimizerState(job.optimizer, plan: plan, memory: memory, communicator: communicator),
            memory: memory, communicator: communicator, seed: 0)
        var outcome = Outcome()
        #expect(try step.begin(try prefetcher.following()) == nil)
        var index = 0
        while let batch = try prefetcher.next() {
            let following = try prefetcher.following()
            let report = try step.run(batch, step: index, following: { following }, signals: { .init() })
            #expect(report.nonFinite == .none)
            // Keras does not log the regularizers' terms by themselves.
            for (name, value) in zip(step.names.names, step.sums.list()) where name != "regularization_loss" {
                outcome.logs[name, default: []].append(value)
            }
            index += 1
        }
        for (name, tensor) in replica.canonicalWeights() { outcome.weights[name] = tensor.values }
        return outcome
    }
}
