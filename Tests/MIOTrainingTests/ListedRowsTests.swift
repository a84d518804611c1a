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
import TestFolders
import Testing

/// A table so large that lanes list the rows that have a gradient. Every number of it is a copy or a sum of floats in one
/// order: it equals the whole gradient of the plain kernels to the last bit.
@Suite struct ListedRowsTests {
    private static let rows = 5000
    private static let width = 64
    private static let samples = 26

    /// Text and its vectors, in one call of the table or in two.
    private static func model(calls: Int) throws -> Model {
        let text = Input("text", shape: [5], dtype: .int32)
        // Rules are for all rows.
        let words = Embedding(
            rows, width, embeddingsInitializer: .ones,
            embeddingsRegularizer: calls == 1 ? nil : L2(0.01),
            embeddingsConstraint: calls == 1 ? nil : NonNeg(), name: "words")
        let more = Input("more", shape: [2], dtype: .int32)
        return try Model(
            inputs: calls == 1 ? [text] : [text, more],
            namedOutputs: [(name: "y", tensor: words(text))]
                + (calls == 1 ? [] : [(name: "z", tensor: words(more))]))
    }

    private static func outputs(calls: Int) -> [OutputSpecification] {
        ["y", "z"].prefix(calls).map { OutputSpecification($0, loss: MeanSquaredError()) }
    }

    /// Words that come several times in a sample, in samples of several ranks, and once.
    private static func write(to folder: TemporaryFolder) throws {
        var random = PhiloxSequence(seed: 3, stream: 1)
        func uniform(_ shape: [Int]) -> Tensor {
            let shape = Shape([samples] + shape)
            return Tensor(shape: shape, values: (0..<shape.count).map { _ in random.nextUniform(-1, 1) })
        }
        func words(_ count: Int) -> Tensor {
            Tensor(
                shape: [samples, count],
                values: (0..<samples * count).map {
                    $0 % 3 == 0 ? Float($0 % 2) : Float(random.nextWord() % UInt32(rows))
                })
        }
        try NpzWriter.write(
            [
                ("text", words(5)), ("more", words(2)), ("y", uniform([5, width])),
                ("z", uniform([2, width])),
            ], to: folder.path("train.npz"))
    }

    private struct Setup {
        var ranks = 1
        var lanes = 1
        var shards: Int?
        var pass = 10
        var calls = 1
        var isPlain = false
    }

    private static func train(_ setup: Setup, _ path: String) throws -> [[Float]] {
        let (model, outputs) = (try model(calls: setup.calls), outputs(calls: setup.calls))
        return try InProcessCommunicator.run(worldSize: setup.ranks) { communicator in
            if setup.isPlain {
                try train(setup, model, outputs, path, communicator, ReferenceBackend())
            } else {
                try train(setup, model, outputs, path, communicator, NativeBackend())
            }
        }
    }

    private static func train(
        _ setup: Setup, _ model: Model, _ outputs: [OutputSpecification], _ path: String,
        _ communicator: any Communicator, _ backend: some KernelBackend
    ) throws -> [Float] {
        let columns = ColumnMap(graph: model.graph, outputs: outputs)
        let dataset = try Dataset(DatasetRequest(files: [path]), columns: columns.requests)
        let schedule = BatchSchedule(rowCount: dataset.rowCount, batchSize: 10)
        let shards = VirtualShards(
            total: setup.shards ?? setup.ranks * setup.lanes, rank: communicator.rank,
            worldSize: setup.ranks)
        let plan = Plan(
            Replica.planRequest(
                graph: model.graph, outputs: outputs, pass: min(setup.pass, shards.largest(batchSize: 10))),
            backend: backend)
        #expect(plan.weights.contains(where: \.listsRows) == !setup.isPlain)
        // A lane has nothing of the size of the table but a number a row.
        if !setup.isPlain { #expect(plan.laneElements == 0) }
        let optimizer = Adam(options: OptimizerOptions(learningRate: Constant(0.01)))
        let memory = try TrainingMemory(
            plan: plan, graph: model.graph, outputs: outputs, optimizer: optimizer,
            communicator: communicator)
        let replica = try Replica(
            graph: model.graph, outputs: outputs, backend: backend, plan: plan,
            part: max(schedule.largestPart(worldSize: setup.ranks), 1), memory: memory, lanes: setup.lanes)
        replica.initializeWeights(seed: 3)
        try replica.prepare(
            shardSizes: Set(0...shards.largest(batchSize: 10)), turns: shards.own.count / setup.lanes)
        let step = TrainingStep(
            replica: replica,
            optimizer: OptimizerState(optimizer, plan: plan, memory: memory, communicator: communicator),
            memory: memory, communicator: communicator, seed: 11, shards: shards)
        let prefetcher = try Prefetcher(
            dataset: dataset,
            configuration: .init(
                batchSize: 10, endEpoch: 2, seed: 11, rank: communicator.rank, worldSize: setup.ranks))
        #expect(try step.begin(try prefetcher.following()) == nil)
        var (index, losses) = (0, [Float]())
        while let batch = try prefetcher.next() {
            let following = try prefetcher.following()
            let report = try step.run(batch, step: index, following: { following }, signals: { .init() })
            #expect(report.nonFinite == .none)
            losses.append(Float(step.sums.list()[0]))
            index += 1
        }
        return losses + replica.canonicalWeights().flatMap(\.tensor.values)
    }

    /// Passes that add to each other, batches of which a rank has no sample, several lanes and turns.
    @Test(arguments: [1, 2]) func equalsTheWholeGradient(calls: Int) throws {
        let folder = try TemporaryFolder()
        try Self.write(to: folder)
        for (ranks, lanes, pass) in [(1, 1, 10), (1, 1, 3), (1, 2, 2), (2, 1, 5), (3, 2, 1), (4, 1, 2)] {
            let setup = Setup(ranks: ranks, lanes: lanes, pass: pass, calls: calls)
            var plain = setup
            plain.isPlain = true
            let listed = try Self.train(setup, folder.path("train.npz"))
            let whole = try Self.train(plain, folder.path("train.npz"))
            #expect(listed == whole, "\(setup)")
            for rank in listed { #expect(rank == listed[0]) }
        }
    }

    /// The same bits at any number of ranks and lanes, from the same shards.
    @Test func strict() throws {
        let folder = try TemporaryFolder()
        try Self.write(to: folder)
        let alone = try Self.train(Setup(shards: 8, pass: 2), folder.path("train.npz"))[0]
        for (ranks, lanes) in [(1, 2), (1, 4), (2, 1), (2, 2), (4, 1), (8, 1)] {
            let other = try Self.train(
                Setup(ranks: ranks, lanes: lanes, shards: 8, pass: 2), folder.path("train.npz"))
            #expect(other[0] == alone, "\(ranks) ranks, \(lanes) lanes")
        }
    }
}
