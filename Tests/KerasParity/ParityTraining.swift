import Foundation
import MIOBase
import MIOBatches
import MIOBenchmark
import MIOComm
import MIOConfig
import MIOData
import MIOGraph
import MIOJob
import MIOKernels
import MIOObjectives
import MIOOptimizers
import MIOPlan
import MIOTraining

/// A golden training of one of the two models, or of the job in the file: the same start, the same batches, the same optimizer.
package struct ParityTraining: Sendable {
    /// What a training gave.
    package struct Outcome: Sendable {
        /// By Keras' log name, one number a step.
        package var logs: [String: [Double]]
        /// Every weight, in the model's order.
        package var weights: [(name: String, tensor: Tensor)]
    }

    /// Something about the model that is not as in Keras.
    package struct Mismatch: Error, CustomStringConvertible {
        package let description: String
    }

    package let golden: Golden
    package let seed: UInt64
    package let steps: Int
    package let batchSize: Int
    /// What the model's outputs learn, as Keras was told.
    package let outputs: [OutputSpecification]
    private let graph: Graph
    private let start: [(name: String, tensor: Tensor)]

    /// - Parameter golden: a `model-…` file.
    package init(_ golden: Golden) throws {
        self.golden = golden
        seed = UInt64(try golden["seed"].integer)
        steps = try golden["steps"].integer
        batchSize = try golden["batch_size"].integer
        if var job = try golden.optional("job")?.dictionary {
            job["data"] = .dictionary(["train": .dictionary(["files": "train.npz"])])
            let read = try Job(yaml: ConfigValue.dictionary(job).json(), folder: "/golden")
            (graph, outputs) = (read.graph, read.outputs)
        } else {
            let image = try golden["step_0"]["inputs"].optional("image")
            let model = image == nil ? StartingModel.twoHeads : .imageMetadata
            graph = try model.model(imageSide: image.map { try $0["shape"].integers[1] } ?? 256).graph
            outputs = model.outputs
        }
        let seed = seed
        start = try golden["start"].list.map { (try $0["path"].string, try $0.draw(seed: seed)) }
        // Keras was given the outputs in a dictionary, and goes through it by name: its order is another.
        let expected = start.map { "\($0.name) \($0.tensor.shape)" }.sorted()
        let received = graph.weights.map { "\($0.name) \($0.shape)" }.sorted()
        guard expected == received else {
            throw Mismatch(description: "weights in Keras: \(expected); here: \(received)")
        }
        try checkDrawn()
    }

    /// Compares the first numbers of each stream, to find a wrong stream before a wrong result.
    private func checkDrawn() throws {
        var tensors = start
        let first = try golden["step_0"]
        for part in [try first["inputs"], try first["targets"]] {
            for name in try part.dictionary.keys {
                tensors.append((name, try part[name].draw(seed: seed)))
            }
        }
        for (name, tensor) in tensors {
            let expected = try golden["drawn"][name].numbers
            let received = tensor.values.prefix(expected.count).map { Double($0) }
            guard expected == received else {
                throw Mismatch(
                    description: "\(golden.place) \(name) begins \(received), drawn for Keras was \(expected)"
                )
            }
        }
    }

    // MARK: Training

    /// Trains on some ranks, each a thread.
    /// - Parameters:
    ///   - pass: the most samples computed at a time; `nil` for a rank's whole part.
    ///   - outputs: `nil` for what Keras was given; anything else must be found to deviate.
    ///   - makeBackend: called on each rank.
    /// - Returns: rank 0's numbers. Every rank has the same, bit for bit, or this throws.
    package func run(
        ranks: Int = 1, pass: Int? = nil, outputs: [OutputSpecification]? = nil,
        makeBackend: @escaping @Sendable () throws -> any KernelBackend
    ) throws -> Outcome {
        let path = FileManager.default.temporaryDirectory.path + "/mio-parity-\(UUID().uuidString).npz"
        try writeBatches(to: path)
        defer { unlink(path) }
        let outcomes = try InProcessCommunicator.run(worldSize: ranks) { communicator in
            try train(
                communicator, data: path, pass: pass, outputs: outputs ?? self.outputs,
                backend: makeBackend())
        }
        for (rank, outcome) in outcomes.enumerated() where outcome.logs != outcomes[0].logs {
            throw Mismatch(description: "rank \(rank) logs other numbers than rank 0")
        }
        return outcomes[0]
    }

    /// All steps' batches, one after another.
    private func writeBatches(to path: String) throws {
        let first = try golden["step_0"]
        var tensors: [(name: String, tensor: Tensor)] = []
        for part in [try first["inputs"], try first["targets"]] {
            for name in try part.dictionary.keys {
                let batches = try (0..<steps).map { try part[name].draw(seed: seed, streamOffset: 10 * $0) }
                let shape = [steps * batchSize] + batches[0].shape.dimensions.dropFirst()
                tensors.append((name, Tensor(shape: Shape(shape), values: batches.flatMap(\.values))))
            }
        }
        try NpzWriter.write(tensors, to: path)
    }

    private func train(
        _ communicator: any Communicator, data: String, pass: Int?, outputs: [OutputSpecification],
        backend: any KernelBackend
    ) throws -> Outcome {
        let columns = ColumnMap(graph: graph, outputs: outputs)
        let dataset = try Dataset(DatasetRequest(files: [data]), columns: columns.requests)
        let part = BatchSchedule(rowCount: dataset.rowCount, batchSize: batchSize)
            .largestPart(worldSize: communicator.size)
        let optimizer = try OptimizerRegistry.read(
            golden["optimizer"].value, at: ConfigPath("optimizer"))
        let plan = Plan(
            Replica.planRequest(graph: graph, outputs: outputs, pass: min(pass ?? part, part)),
            backend: backend)
        let memory = try TrainingMemory(
            plan: plan, graph: graph, outputs: outputs, optimizer: optimizer, communicator: communicator)
        let replica = try Replica(
            graph: graph, outputs: outputs, backend: backend, plan: plan, part: part, memory: memory)
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
            optimizer: OptimizerState(optimizer, plan: plan, memory: memory, communicator: communicator),
            memory: memory, communicator: communicator, seed: 0)
        var logs: [String: [Double]] = [:]
        if let fault = try step.begin(try prefetcher.following()) {
            throw Mismatch(description: "\(fault)")
        }
        for index in 0..<steps {
            guard let batch = try prefetcher.next() else {
                throw Mismatch(description: "the data ended before step \(index)")
            }
            let following = try prefetcher.following()
            let report = try step.run(batch, step: index, following: { following }, signals: { .init() })
            guard report.nonFinite == .none else {
                throw Mismatch(description: "step \(index) is not finite")
            }
            for (name, value) in zip(step.names.names, step.sums.list()) {
                logs[name, default: []].append(value)
            }
        }
        return Outcome(logs: logs, weights: replica.canonicalWeights())
    }

    // MARK: Comparison

    /// The worst deviation of each log, over all steps, and of each final weight.
    /// - Throws: `Mismatch` if Keras logs other names.
    package func deviations(of outcome: Outcome) throws -> [(name: String, deviation: Deviation)] {
        let logs = try golden["logs"]
        let names = try logs.dictionary.keys.sorted()
        guard names == outcome.logs.keys.sorted() else {
            throw Mismatch(
                description: "Keras logs \(names), here are \(outcome.logs.keys.sorted())")
        }
        let ofLogs = try names.map { name in
            (name: name, deviation: try Quantity(logs[name]).worst(outcome.logs[name] ?? []))
        }
        let ofWeights = try golden["weights"].list.map { final in
            let name = try final["path"].string
            guard let weight = outcome.weights.first(where: { $0.name == name }) else {
                throw Mismatch(description: "no weight is called \(name)")
            }
            return (name: name, deviation: try final.worst(of: weight.tensor.values, seed: seed))
        }
        return ofLogs + ofWeights
    }
}
