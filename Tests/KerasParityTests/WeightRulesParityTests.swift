import Foundation
import KerasParity
import MIO
import MIOBase
import MIOBatches
import MIOComm
import MIOConfig
import MIOData
import MIOGraph
import MIOKernels
import MIOObjectives
import MIOOptimizers
import MIOPlan
import MIOTraining
import MIOTuning
import Testing

/// Regularizers and constraints of weights that are plain, shared by two calls, or frozen: ten steps with clipping by the
/// norm of the whole gradient, as Keras trains them (`weight-rules.json`), at any number of ranks.
@Suite struct WeightRulesParityTests {
    private struct Outcome: Equatable {
        var logs: [String: [Double]] = [:]
        var evaluation: [String: Double] = [:]
        var weights: [String: [Float]] = [:]
    }

    private static func model() throws -> Model {
        let (image, a, b) = (
            Input("image", shape: [5, 5, 2]), Input("a", shape: [4]), Input("b", shape: [4])
        )
        let conv = Conv2D(
            5, kernelSize: 3, activation: .tanh, kernelRegularizer: L2(0x1p-6), biasRegularizer: L1(0x1p-7),
            kernelConstraint: MaxNorm(0.625, axis: [0, 1, 2]), biasConstraint: NonNeg(), name: "conv")
        let norm = LayerNormalization(
            gammaRegularizer: L2(0x1p-5), betaConstraint: NonNeg(), name: "norm")
        let features = Flatten(name: "flat")(norm(conv(image)))
        let frozen = Dense(
            4, activation: .tanh, kernelRegularizer: L2(8), kernelConstraint: UnitNorm(), name: "frozen",
            trainable: false)
        let shared = Dense(
            4, activation: .tanh, kernelRegularizer: L1L2(l1: 0x1p-7, l2: 0x1p-6),
            kernelConstraint: MinMaxNorm(0.25, 0.75, rate: 0.5), biasConstraint: MaxNorm(0.0625),
            name: "shared")
        let joined = Concatenate(name: "joined")([features, frozen(features), shared(a), shared(b)])
        let y = Dense(3, kernelConstraint: UnitNorm(axis: [1]), name: "y")
        return try Model(inputs: [image, a, b], outputs: [y(joined)])
    }

    private static let outputs = [
        OutputSpecification("y", loss: MeanSquaredError(), metrics: [MeanAbsoluteErrorMetric()])
    ]

    /// What each rank has.
    private static func train(
        ranks: Int, groupSize: Int? = nil, lanes: Int = 1, pass: Int = 6, kernels: KernelSelection,
        virtualShards: Int? = nil
    ) throws -> [Outcome] {
        let golden = try Golden(named: "weight-rules")
        let seed = UInt64(try golden["seed"].integer)
        let (steps, batchSize) = (try golden["steps"].integer, try golden["batch_size"].integer)
        let start = try golden["start"].list.map {
            (name: try $0["path"].string, tensor: try $0.draw(seed: seed))
        }
        let path = FileManager.default.temporaryDirectory.path + "/mio-rules-\(UUID().uuidString).npz"
        try NpzWriter.write(
            try golden["drawn"].dictionary.keys.map { ($0, try golden["drawn"][$0].draw(seed: seed)) },
            to: path)
        defer { unlink(path) }
        let optimizer = try OptimizerRegistry.read(golden["optimizer"].value, at: ConfigPath("optimizer"))
        return try InProcessCommunicator.run(worldSize: ranks, groupSize: groupSize) { communicator in
            let graph = try model().graph
            let backend = try kernels.makeBackend(threads: 1)
            let dataset = try Dataset(
                DatasetRequest(files: [path]),
                columns: ColumnMap(graph: graph, outputs: outputs).requests)
            let shards = VirtualShards(
                total: virtualShards ?? ranks * lanes, rank: communicator.rank, worldSize: ranks)
            let plan = Plan(
                Replica.planRequest(
                    graph: graph, outputs: outputs, pass: min(pass, shards.largest(batchSize: batchSize)),
                    bucketElements: 1), backend: backend)
            let memory = try TrainingMemory(
                plan: plan, graph: graph, outputs: outputs, optimizer: optimizer, communicator: communicator)
            let replica = try Replica(
                graph: graph, outputs: outputs, backend: backend, plan: plan, part: batchSize, memory: memory,
                lanes: lanes)
            try replica.prepare(shardSizes: Set(0...batchSize))
            replica.setCanonicalWeights(start)
            let step = TrainingStep(
                replica: replica,
                optimizer: OptimizerState(optimizer, plan: plan, memory: memory, communicator: communicator),
                memory: memory, communicator: communicator, seed: 0, shards: shards,
                between: virtualShards == nil ? .any : .tree)
            func batches() throws -> Prefetcher {
                try Prefetcher(
                    dataset: dataset,
                    configuration: .init(
                        batchSize: batchSize, endEpoch: 1, seed: 0, shuffle: false, rank: communicator.rank,
                        worldSize: ranks))
            }
            var outcome = Outcome()
            let training = try batches()
            defer { training.stop() }
            #expect(try step.begin(try training.following()) == nil)
            for index in 0..<steps {
                let batch = try #require(try training.next())
                let following = try training.following()
                let report = try step.run(batch, step: index, following: { following }, signals: { .init() })
                #expect(report.nonFinite == .none)
                for (name, value) in zip(step.names.names, step.sums.list()) {
                    outcome.logs[name, default: []].append(value)
                }
            }
            let evaluator = Evaluator(replica: replica, shards: shards)
            let all = try batches()
            defer { all.stop() }
            evaluator.begin()
            while let batch = try all.next() { #expect(evaluator.add(batch) == nil) }
            let values = try evaluator.finish(communicator)
            outcome.evaluation = Dictionary(uniqueKeysWithValues: zip(evaluator.names.names, values))
            for (name, tensor) in replica.canonicalWeights() { outcome.weights[name] = tensor.values }
            return outcome
        }
    }

    private static func expectKeras(_ outcome: Outcome, _ what: String) throws {
        let golden = try Golden(named: "weight-rules")
        let seed = UInt64(try golden["seed"].integer)
        let logs = try golden["logs"]
        #expect(try logs.dictionary.keys.sorted() == outcome.logs.keys.sorted())
        for (name, values) in outcome.logs {
            let worst = try Quantity(logs[name]).worst(values)
            #expect(worst.isWithinTolerance, "\(what), \(name): \(worst)")
        }
        for name in ["loss", "regularization_loss"] {
            let worst = try Quantity(golden["evaluation"][name]).worst([
                try #require(outcome.evaluation[name])
            ])
            #expect(worst.isWithinTolerance, "\(what), evaluated \(name): \(worst)")
        }
        for final in try golden["weights"].list {
            let path = try final["path"].string
            let worst = try final.worst(of: try #require(outcome.weights[path]), seed: seed)
            #expect(worst.isWithinTolerance, "\(what), \(path): \(worst)")
        }
    }

    @Test(arguments: [1, 2, 3, 4]) func trainAsInKeras(ranks: Int) throws {
        for kernels in KernelSelection.allCases {
            let outcomes = try Self.train(ranks: ranks, pass: ranks == 1 ? 6 : 2, kernels: kernels)
            for outcome in outcomes { #expect(outcome == outcomes[0]) }
            try Self.expectKeras(outcomes[0], "\(kernels) kernels, \(ranks) ranks")
        }
    }

    /// Ranks of several groups, and lanes.
    @Test(arguments: [(2, 1, 1), (4, 2, 1), (4, 1, 1), (1, 1, 3), (2, 2, 2), (4, 2, 2)])
    func groupsAndLanesTrainAsInKeras(ranks: Int, groupSize: Int, lanes: Int) throws {
        let outcomes = try Self.train(
            ranks: ranks, groupSize: groupSize, lanes: lanes, kernels: .native)
        for outcome in outcomes { #expect(outcome == outcomes[0]) }
        try Self.expectKeras(outcomes[0], "\(ranks) ranks of \(lanes) lanes in groups of \(groupSize)")
    }

    @Test func strictShardsGiveTheSameBits() throws {
        for kernels in KernelSelection.allCases {
            let alone = try Self.train(ranks: 1, kernels: kernels, virtualShards: 8)[0]
            for (ranks, groupSize, lanes) in [
                (2, 2, 1), (4, 4, 1), (8, 8, 1), (4, 2, 1), (8, 1, 1), (1, 1, 4), (2, 1, 4), (2, 2, 2),
            ] {
                for outcome in try Self.train(
                    ranks: ranks, groupSize: groupSize, lanes: lanes, kernels: kernels, virtualShards: 8)
                {
                    #expect(outcome == alone, "\(ranks) ranks of \(lanes) lanes in groups of \(groupSize)")
                }
            }
        }
    }
}
