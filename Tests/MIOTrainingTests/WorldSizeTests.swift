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

/// Law 1: the number of ranks never changes the training.
@Suite struct WorldSizeTests {
    /// One vector in, two answers out, with a dropout, small.
    static func model() throws -> Model {
        let input = Input("input", shape: [12])
        let trunk = Dropout(0.3)(Dense(9, activation: .tanh, name: "trunk")(input))
        return try Model(
            inputs: [input],
            outputs: [
                Dense(5, activation: .softmax, name: "kind")(trunk),
                Dense(4, activation: .sigmoid, name: "box")(trunk),
            ])
    }

    static func outputs() -> [OutputSpecification] {
        [
            OutputSpecification(
                "kind", loss: SparseCategoricalCrossentropy(), weight: 1,
                metrics: [SparseCategoricalAccuracyMetric()]),
            OutputSpecification("box", loss: MeanSquaredError(), weight: 0.5),
        ]
    }

    /// A folder with shards of 7 and 12 samples; `kind` is labelled on the given rows only.
    /// - Parameters:
    ///   - missing: whether elements of `box` are missing, in two rows all of them.
    ///   - zeros: a column of zeros of so many elements, `hidden`; none at 0.
    static func writeData(labelled: Set<Int>, missing: Bool = false, zeros: Int = 0) throws -> String {
        let folder = FileManager.default.temporaryDirectory.path + "/mio-world-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var random = PhiloxSequence(seed: 5, stream: 1)
        var row = 0
        for (shard, rows) in [7, 12].enumerated() {
            var kind: [Float] = []
            let first = row
            for _ in 0..<rows {
                kind.append(labelled.contains(row) ? Float(random.nextWord() % 5) : -1)
                row += 1
            }
            func uniform(_ width: Int, _ low: Float) -> Tensor {
                Tensor(
                    shape: [rows, width], values: (0..<rows * width).map { _ in random.nextUniform(low, 1) })
            }
            let input = uniform(12, -1)
            var box = uniform(4, 0).values
            for index in box.indices where missing {
                let row = first + index / 4
                if row % 9 == 4 || (row + index) % 3 == 0 { box[index] = .nan }
            }
            try NpzWriter.write(
                [
                    ("input", input), ("kind", Tensor(shape: [rows], values: kind)),
                    ("box", Tensor(shape: [rows, 4], values: box)),
                    ("box_weight", Tensor(shape: [rows], values: (0..<rows).map { Float($0 % 3) })),
                ] + (zeros > 0 ? [("hidden", Tensor(zeros: [rows, zeros]))] : []),
                to: "\(folder)/train-\(shard).npz")
        }
        return folder
    }

    struct Trace: Sendable {
        var losses: [[Double]] = []
        var weights: [[Float]] = []
    }

    /// Trains two epochs and returns every step's numbers and the final weights, by rank.
    static func train(
        _ makeModel: @escaping @Sendable () throws -> Model = WorldSizeTests.model,
        ranks: Int, groupSize: Int? = nil, lanes: Int = 1, batchSize: Int, pass: Int, folder: String,
        virtualShards: Int? = nil, between: SumBetweenGroups = .any,
        outputs: @escaping @Sendable () -> [OutputSpecification] = WorldSizeTests.outputs
    ) throws -> [Trace] {
        try InProcessCommunicator.run(worldSize: ranks, groupSize: groupSize) { communicator in
            let model = try makeModel()
            let columns = ColumnMap(graph: model.graph, outputs: outputs())
            let dataset = try Dataset(
                DatasetRequest(files: ["\(folder)/train-*.npz"]), columns: columns.requests)
            let part = BatchSchedule(rowCount: dataset.rowCount, batchSize: batchSize)
                .largestPart(worldSize: ranks)
            let optimizer = Adam(options: OptimizerOptions(learningRate: Constant(0.01)))
            let shards = VirtualShards(
                total: virtualShards ?? ranks * lanes, rank: communicator.rank, worldSize: ranks)
            let plan = Plan(
                Replica.planRequest(
                    graph: model.graph, outputs: outputs(),
                    pass: min(pass, shards.largest(batchSize: batchSize)), bucketElements: 1),
                backend: ReferenceBackend())
            let memory = try TrainingMemory(
                plan: plan, graph: model.graph, outputs: outputs(), optimizer: optimizer,
                communicator: communicator)
            let replica = try Replica(
                graph: model.graph, outputs: outputs(), backend: ReferenceBackend(), plan: plan,
                part: max(part, 1), memory: memory, lanes: lanes)
            try replica.prepare(
                shardSizes: Set(0...shards.largest(batchSize: batchSize)), turns: shards.own.count / lanes)
            replica.initializeWeights(seed: 3)
            let step = TrainingStep(
                replica: replica,
                optimizer: OptimizerState(
                    optimizer, plan: plan, memory: memory, communicator: communicator),
                memory: memory, communicator: communicator, seed: 11, shards: shards, between: between)
            let prefetcher = try Prefetcher(
                dataset: dataset,
                configuration: .init(
                    batchSize: batchSize, endEpoch: 2, seed: 11, rank: communicator.rank, worldSize: ranks))
            var trace = Trace()
            #expect(try step.begin(try prefetcher.following()) == nil)
            var index = 0
            while let batch = try prefetcher.next() {
                let following = try prefetcher.following()
                let report = try step.run(batch, step: index, following: { following }, signals: { .init() })
                #expect(report.nonFinite == .none)
                trace.losses.append(step.sums.list())
                index += 1
            }
            trace.weights = replica.canonicalWeights().map(\.tensor.values)
            return trace
        }
    }

    /// Rounding: Adam divides by the gradient's size, so an error of n·ε in a sum of n terms is amplified at
    /// most by the ratio of the sum of magnitudes to the sum; 2⁸ covers what 2·10 steps of 19 samples do.
    private static let tolerance = Double(Float.ulpOfOne) * 19 * 256

    @Test(arguments: [(8, 8), (5, 2), (3, 1), (19, 4)])
    func ranksDoNotChangeTheTraining(batchSize: Int, pass: Int) throws {
        let folder = try Self.writeData(labelled: Set(0..<19))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.compare(folder: folder, batchSize: batchSize, pass: pass)
    }

    @Test(arguments: [(8, 8), (5, 2), (3, 1), (19, 4)])
    func missingElements(batchSize: Int, pass: Int) throws {
        let folder = try Self.writeData(labelled: Set(0..<19), missing: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.compare(folder: folder, batchSize: batchSize, pass: pass)
        // They do matter.
        let whole = try Self.writeData(labelled: Set(0..<19))
        defer { try? FileManager.default.removeItem(atPath: whole) }
        let traces = try [folder, whole].map {
            try Self.train(ranks: 1, batchSize: batchSize, pass: pass, folder: $0)[0]
        }
        #expect(traces[0].losses != traces[1].losses)
    }

    @Test func anOutputLabelledOnOneRankOnly() throws {
        let folder = try Self.writeData(labelled: [2])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.compare(folder: folder, batchSize: 8, pass: 3)
    }

    @Test func anOutputWithoutAnyLabel() throws {
        let folder = try Self.writeData(labelled: [])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.compare(folder: folder, batchSize: 6, pass: 6)
    }

    /// The same bits at 1, 2, 4 and 8 ranks, on one machine or several, of any power of two of lanes: also with fewer
    /// samples than shards, and with weights of samples whose sums round.
    @Test(arguments: [(8, 8, false), (19, 2, false), (5, 3, false), (19, 3, true)])
    func strictShardsGiveTheSameBits(batchSize: Int, pass: Int, missing: Bool) throws {
        let folder = try Self.writeData(labelled: Set(0..<19), missing: missing)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func train(_ ranks: Int, _ groupSize: Int, _ lanes: Int = 1) throws -> [Trace] {
            try Self.train(
                ranks: ranks, groupSize: groupSize, lanes: lanes, batchSize: batchSize, pass: pass,
                folder: folder, virtualShards: 8, between: .tree)
        }
        let alone = try train(1, 1)[0]
        let cuts = [
            (2, 2, 1), (4, 4, 1), (8, 8, 1), (2, 1, 1), (4, 2, 1), (8, 2, 1), (8, 1, 1), (1, 1, 2), (1, 1, 4),
            (1, 1, 8), (2, 2, 2), (2, 1, 4), (4, 2, 2),
        ]
        for (ranks, groupSize, lanes) in cuts {
            let cut = "\(ranks) ranks of \(lanes) lanes in groups of \(groupSize)"
            for trace in try train(ranks, groupSize, lanes) {
                #expect(trace.losses == alone.losses, "\(cut)")
                #expect(trace.weights == alone.weights, "\(cut)")
            }
        }
        // The order does matter: without it the bits differ, or this test would show nothing.
        let other = try Self.train(ranks: 3, batchSize: batchSize, pass: pass, folder: folder)[0]
        #expect(other.weights != alone.weights)
    }

    /// Also with lanes that have no sample of a batch.
    @Test(arguments: [(1, 1, 2), (1, 1, 3), (3, 3, 2), (2, 1, 2), (4, 2, 3), (1, 1, 12)])
    func lanesDoNotChangeTheTraining(ranks: Int, groupSize: Int, lanes: Int) throws {
        try Self.compare(ranks: ranks, groupSize: groupSize, lanes: lanes, pass: 2)
    }

    /// The same shards, added up in the same order.
    @Test func lanesAreAsRanks() throws {
        let folder = try Self.writeData(labelled: Set(0..<19))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ranks = try Self.train(ranks: 4, batchSize: 8, pass: 2, folder: folder)[0]
        for lanes in [2, 4] {
            let traces = try Self.train(
                ranks: 4 / lanes, lanes: lanes, batchSize: 8, pass: 2, folder: folder)
            let trace = traces[0]
            #expect(trace.losses == ranks.losses)
            #expect(trace.weights == ranks.weights)
        }
    }

    @Test(arguments: [(4, 2), (4, 1), (6, 2)])
    func groupsDoNotChangeTheTraining(ranks: Int, groupSize: Int) throws {
        try Self.compare(ranks: ranks, groupSize: groupSize, lanes: 1, pass: 8)
    }

    /// Rounded to eight bits on its way, a gradient is off by 2⁻⁸ of itself at most; Adam's steps, which do not depend
    /// on its size, by about that much of the learning rate, over 6 steps.
    @Test func compressionStaysWithinItsRounding() throws {
        let folder = try Self.writeData(labelled: Set(0..<19))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let exact = try Self.train(ranks: 4, groupSize: 2, batchSize: 8, pass: 8, folder: folder)[0]
        let traces = try Self.train(
            ranks: 4, groupSize: 2, batchSize: 8, pass: 8, folder: folder, between: .bfloat16)
        var farthest: Float = 0
        for trace in traces {
            #expect(trace.weights == traces[0].weights)
            for (values, expected) in zip(trace.weights, exact.weights) {
                for (value, expected) in zip(values, expected) {
                    farthest = max(farthest, abs(value - expected))
                }
            }
        }
        #expect(farthest > 0)
        #expect(farthest <= 0.01 * 6 * 0x1p-4)
    }

    private static func compare(ranks: Int, groupSize: Int, lanes: Int, pass: Int) throws {
        let folder = try writeData(labelled: Set(0..<19))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let alone = try train(ranks: 1, batchSize: 8, pass: 8, folder: folder)[0]
        let traces = try train(
            ranks: ranks, groupSize: groupSize, lanes: lanes, batchSize: 8, pass: pass, folder: folder)
        for trace in traces {
            #expect(trace.losses == traces[0].losses)
            #expect(trace.weights == traces[0].weights)
        }
        expectWithinRounding(traces[0], alone, "\(ranks) ranks of \(lanes) lanes in groups of \(groupSize)")
    }

    private static func compare(folder: String, batchSize: Int, pass: Int) throws {
        let alone = try train(ranks: 1, batchSize: batchSize, pass: batchSize, folder: folder)[0]
        #expect(alone.losses.count == 2 * ((19 + batchSize - 1) / batchSize))
        for ranks in 1...4 {
            let traces = try train(ranks: ranks, batchSize: batchSize, pass: pass, folder: folder)
            for trace in traces {
                // All ranks hold the same bits.
                #expect(trace.losses == traces[0].losses)
                #expect(trace.weights == traces[0].weights)
            }
            expectWithinRounding(traces[0], alone, "\(ranks) ranks")
        }
    }

    static func expectWithinRounding(_ trace: Trace, _ alone: Trace, _ what: String) {
        for (step, (values, expected)) in zip(trace.losses, alone.losses).enumerated() {
            for (value, expected) in zip(values, expected) {
                #expect(
                    abs(value - expected) <= tolerance * max(1, abs(expected)),
                    "\(what), step \(step): \(value), not \(expected)")
            }
        }
        for (values, expected) in zip(trace.weights, alone.weights) {
            for (value, expected) in zip(values, expected) {
                #expect(abs(Double(value - expected)) <= tolerance, "\(what)")
            }
        }
    }
}
