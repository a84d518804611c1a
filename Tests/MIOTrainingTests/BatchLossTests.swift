import Foundation
import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOGraph
import MIOKernels
import MIOObjectives
import MIOOptimizers
import MIOPlan
import MIOTraining
import Testing

/// Losses that compare sums over the whole batch: `Dice` and `Tversky` over axis 0.
@Suite struct BatchLossTests {
    private typealias Worlds = WorldSizeTests

    /// A loss of the whole batch, one of regions of the batch beside a plain one.
    @Sendable private static func outputs() -> [OutputSpecification] {
        [
            OutputSpecification("kind", loss: SparseCategoricalCrossentropy(), weight: 1),
            OutputSpecification(
                "box", loss: Tversky(alpha: 0.3, beta: 0.8, axis: [0]), weight: 0.5,
                metrics: [MeanSquaredErrorMetric()]),
        ]
    }

    @Sendable private static func diceOutputs() -> [OutputSpecification] {
        [
            OutputSpecification("kind", loss: SparseCategoricalCrossentropy(), weight: 1),
            OutputSpecification("box", loss: Dice(), weight: 2),
        ]
    }

    /// Batch normalization: the losses' stage comes after others.
    @Sendable private static func normalized() throws -> Model {
        let input = Input("input", shape: [12])
        let trunk = BatchNormalization(momentum: 0.7, name: "normal")(
            Dense(9, activation: .tanh, name: "trunk")(input))
        return try Model(
            inputs: [input],
            outputs: [
                Dense(5, activation: .softmax, name: "kind")(trunk),
                Dense(4, activation: .sigmoid, name: "box")(trunk),
            ])
    }

    @Test(arguments: [
        (2, 2, 1, 8), (3, 3, 1, 8), (4, 4, 1, 3), (4, 2, 1, 8), (1, 1, 2, 8), (3, 3, 2, 1), (8, 2, 1, 5),
    ])
    func ranksDoNotChangeTheTraining(ranks: Int, groupSize: Int, lanes: Int, pass: Int) throws {
        let folder = try Worlds.writeData(labelled: Set(0..<19), missing: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (model, outputs) in [
            (Worlds.model, Self.outputs), (Worlds.model, Self.diceOutputs), (Self.normalized, Self.outputs),
        ] {
            let alone = try Worlds.train(
                model, ranks: 1, batchSize: 8, pass: 8, folder: folder, outputs: outputs)[0]
            let traces = try Worlds.train(
                model, ranks: ranks, groupSize: groupSize, lanes: lanes, batchSize: 8, pass: pass,
                folder: folder, outputs: outputs)
            for trace in traces {
                #expect(trace.losses == traces[0].losses)
                #expect(trace.weights == traces[0].weights)
            }
            Worlds.expectWithinRounding(
                traces[0], alone, "\(ranks) ranks of \(lanes) lanes in groups of \(groupSize)")
        }
    }

    @Test(arguments: [(8, 8), (19, 2), (5, 3)])
    func strictShardsGiveTheSameBits(batchSize: Int, pass: Int) throws {
        let folder = try Worlds.writeData(labelled: Set(0..<19), missing: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func train(_ ranks: Int, _ groupSize: Int, _ lanes: Int) throws -> [Worlds.Trace] {
            try Worlds.train(
                Self.normalized, ranks: ranks, groupSize: groupSize, lanes: lanes, batchSize: batchSize,
                pass: pass, folder: folder, virtualShards: 8, between: .tree, outputs: Self.outputs)
        }
        let alone = try train(1, 1, 1)[0]
        for (ranks, groupSize, lanes) in [(2, 2, 1), (4, 4, 1), (8, 8, 1), (4, 2, 1), (1, 1, 8), (2, 1, 4)] {
            for trace in try train(ranks, groupSize, lanes) {
                let cut = "\(ranks) ranks of \(lanes) lanes in groups of \(groupSize)"
                #expect(trace.losses == alone.losses, "\(cut)")
                #expect(trace.weights == alone.weights, "\(cut)")
            }
        }
    }

    /// The sums come in a stage of their own, after all operations; an evaluation has none.
    @Test func lossesBeginTheLastStage() throws {
        func plan(_ outputs: [OutputSpecification], forwardOnly: Bool = false) throws -> Plan {
            Plan(
                Replica.planRequest(
                    graph: try Worlds.model().graph, outputs: outputs, pass: 4, forwardOnly: forwardOnly),
                backend: ReferenceBackend())
        }
        let trained = try plan(Self.outputs())
        #expect(trained.stages.count == 2)
        let last = try #require(trained.stages.last)
        #expect(last.operations == trained.operations.count..<trained.operations.count)
        // Five numbers for each of the box' four columns.
        #expect(trained.outputs.map(\.lossSums) == [0..<0, 0..<20])
        #expect(last.forwardSums == 0..<20 && last.backwardSums.isEmpty)
        #expect(try plan(Self.outputs(), forwardOnly: true).stages.count == 1)
        let ofSamples = [OutputSpecification("box", loss: Dice(axis: [-1]))]
        #expect(try plan(ofSamples).stages.count == 1)
    }

    /// The mean of the batches' losses by their samples, as Keras logs it, at any number of ranks.
    @Test(arguments: [1, 2, 3]) func evaluationTakesBatchByBatch(ranks: Int) throws {
        let folder = try Worlds.writeData(labelled: Set(0..<19))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let found = try InProcessCommunicator.run(worldSize: ranks) { communicator -> [[Double]] in
            try [19, 8].map { batchSize in
                let graph = try Worlds.model().graph
                let plan = Plan(
                    Replica.planRequest(
                        graph: graph, outputs: Self.diceOutputs(), pass: 3, forwardOnly: true),
                    backend: ReferenceBackend())
                let dataset = try Dataset(
                    DatasetRequest(files: ["\(folder)/train-*.npz"]),
                    columns: ColumnMap(graph: graph, outputs: Self.diceOutputs()).requests)
                let replica = try Replica(
                    graph: graph, outputs: Self.diceOutputs(), backend: ReferenceBackend(), plan: plan,
                    part: batchSize)
                try replica.prepare(shardSizes: Set(0...batchSize))
                replica.initializeWeights(seed: 3)
                let evaluator = Evaluator(
                    replica: replica,
                    shards: VirtualShards(total: ranks, rank: communicator.rank, worldSize: ranks))
                let prefetcher = try Prefetcher(
                    dataset: dataset,
                    configuration: .init(
                        batchSize: batchSize, endEpoch: 1, seed: 1, shuffle: false, rank: communicator.rank,
                        worldSize: ranks))
                evaluator.begin()
                while let batch = try prefetcher.next() { #expect(evaluator.add(batch) == nil) }
                #expect(evaluator.isFinite)
                return try evaluator.finish(communicator)
            }
        }
        // What is expected, from predictions and targets alone.
        let (box, weights, predictions) = try Self.boxes(folder)
        func dice(_ rows: Range<Int>) -> Double {
            var (products, sums) = (0.0, 0.0)
            for index in rows.lowerBound * 4..<rows.upperBound * 4 {
                products += Double(box[index]) * Double(predictions[index])
                sums += Double(box[index]) + Double(predictions[index])
            }
            let weight = rows.reduce(0) { $0 + Double(weights[$1]) } / Double(rows.count)
            return weight * (1 - 2 * products / (sums + 1e-7))
        }
        let batches = [[0..<19], [0..<8, 8..<16, 16..<19]]
        for rank in found {
            for (values, ranges) in zip(rank, batches) {
                let expected = ranges.reduce(0) { $0 + dice($1) * Double($1.count) } / 19
                let index = try #require(Self.names.firstIndex(of: "box_loss"))
                // Sums of 76 products in double precision, of float predictions that are the same.
                #expect(abs(values[index] - expected) <= 256 * Double.ulpOfOne)
            }
        }
    }

    private static let names = ["loss", "kind_loss", "box_loss"]

    /// Targets and weights of the files, and what the model of seed 3 predicts.
    private static func boxes(_ folder: String) throws -> ([Float], [Float], [Float]) {
        let graph = try Worlds.model().graph
        let plan = Plan(
            Replica.planRequest(graph: graph, outputs: diceOutputs(), pass: 19, forwardOnly: true),
            backend: ReferenceBackend())
        let columns = ColumnMap(graph: graph, outputs: diceOutputs())
        let dataset = try Dataset(
            DatasetRequest(files: ["\(folder)/train-*.npz"]), columns: columns.requests)
        let replica = try Replica(
            graph: graph, outputs: diceOutputs(), backend: ReferenceBackend(), plan: plan, part: 19)
        try replica.prepare(shardSizes: [19])
        replica.initializeWeights(seed: 3)
        let prefetcher = try Prefetcher(
            dataset: dataset,
            configuration: .init(batchSize: 19, endEpoch: 1, seed: 1, shuffle: false, rank: 0, worldSize: 1))
        let batch = try #require(try prefetcher.next())
        let evaluator = Evaluator(replica: replica, shards: VirtualShards(total: 1, rank: 0, worldSize: 1))
        evaluator.begin()
        #expect(evaluator.add(batch) == nil)
        let output = try #require(plan.outputs.firstIndex { $0.name == "box" })
        let predictions = replica.executor.value(plan.outputs[output].predictions)
        let place = try #require(
            replica.columns.requests.firstIndex { $0.name == "box" && $0.role == .target })
        let weightPlace = try #require(
            replica.columns.requests.firstIndex { $0.name == "box_weight" })
        return (
            Array(UnsafeBufferPointer(start: batch.values(ofColumn: place), count: 76)),
            Array(UnsafeBufferPointer(start: batch.values(ofColumn: weightPlace), count: 19)),
            Array(UnsafeBufferPointer(start: predictions, count: 76))
        )
    }

    /// What is not finite in one sample makes every loss of the batch so: the sample that it came from is named, by its rank
    /// alone.
    @Test(arguments: [1, 3]) func whatIsNotFiniteIsFound(ranks: Int) throws {
        _ = try InProcessCommunicator.run(worldSize: ranks) { communicator in
            let graph = try Worlds.model().graph
            let part = (6 + ranks - 1) / ranks
            let plan = Plan(
                Replica.planRequest(graph: graph, outputs: Self.diceOutputs(), pass: 2),
                backend: ReferenceBackend())
            let optimizer = Adam(options: OptimizerOptions(learningRate: Constant(0.01)))
            let memory = try TrainingMemory(
                plan: plan, graph: graph, outputs: Self.diceOutputs(), optimizer: optimizer,
                communicator: communicator)
            let replica = try Replica(
                graph: graph, outputs: Self.diceOutputs(), backend: ReferenceBackend(), plan: plan,
                part: part,
                memory: memory)
            try replica.prepare(shardSizes: [part])
            replica.initializeWeights(seed: 3)
            let step = TrainingStep(
                replica: replica,
                optimizer: OptimizerState(optimizer, plan: plan, memory: memory, communicator: communicator),
                memory: memory, communicator: communicator, seed: 1)
            let bad = communicator.rank == ranks - 1
            var number = 0
            let batch = Batch(columns: replica.columns.requests, samples: part) { column in
                if column.role == .weight { return 1 }
                if column.kind == .classIndex { return -1 }
                defer { number += 1 }
                return bad && column.name == "input" && number == 12 ? .nan : 0.5
            }
            #expect(try step.begin(batch) == nil)
            let report = try step.run(batch, step: 0, following: { nil }, signals: { .init() })
            #expect(report.nonFinite == .found)
            let found = step.firstNonFiniteLoss(batch, step: 0)
            if bad { #expect(found?.sample == 1 && found?.output == "box") } else { #expect(found == nil) }
        }
    }
}
