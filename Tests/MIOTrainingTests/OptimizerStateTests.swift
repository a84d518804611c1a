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

@Suite struct OptimizerStateTests {
    /// A kernel whose inputs are all 0 gets no gradient: its moments only shrink. From a number below
    /// the normal ones, they are 0 after a step, and not nine tenths of that.
    @Test func momentsBelowTheNormalNumbersBecomeZero() throws {
        let path = FileManager.default.temporaryDirectory.path + "/mio-moments-\(UUID().uuidString).npz"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try NpzWriter.write(
            [
                ("x", Tensor(shape: [4, 3], values: [Float](repeating: 0, count: 12))),
                ("y", Tensor(shape: [4, 1], values: [1, 2, 3, 4])),
            ], to: path)
        let input = Input("x", shape: [3])
        let graph = try Model(inputs: [input], outputs: [Dense(1, name: "y")(input)]).graph
        let outputs = [OutputSpecification("y", loss: MeanSquaredError())]
        let (optimizer, communicator) = (Adam(), LoopbackCommunicator())
        let plan = Plan(
            Replica.planRequest(graph: graph, outputs: outputs, pass: 4), backend: ReferenceBackend())
        let memory = try TrainingMemory(
            plan: plan, graph: graph, outputs: outputs, optimizer: optimizer, communicator: communicator)
        let replica = try Replica(
            graph: graph, outputs: outputs, backend: ReferenceBackend(), plan: plan, part: 4, memory: memory)
        replica.initializeWeights(seed: 1)
        let state = OptimizerState(optimizer, plan: plan, memory: memory, communicator: communicator)
        let step = TrainingStep(
            replica: replica, optimizer: state, memory: memory, communicator: communicator, seed: 1)
        let dataset = try Dataset(
            DatasetRequest(files: [path]), columns: ColumnMap(graph: graph, outputs: outputs).requests)
        let batch = Batch(capacity: 4, dataset: dataset)
        batch.fill(
            from: dataset, at: BatchPosition(epoch: 0, batch: 0),
            schedule: BatchSchedule(rowCount: 4, batchSize: 4),
            order: Permutation(count: 4, seed: 0, epoch: 0, shuffle: false), rank: 0, worldSize: 1)

        let kernel = try #require(plan.weights.first { $0.name == "y/kernel" })
        let tiny = Float.leastNormalMagnitude / 128
        try #require(tiny > 0 && tiny.isSubnormal)
        for slot in state.slots { slot.fill(tiny) }
        let before = Array(replica.executor.weights.buffer[kernel.range])
        #expect(try step.begin(batch) == nil)
        #expect(try step.run(batch, step: 0, following: { nil }, signals: { .init() }).nonFinite == .none)
        for slot in state.slots { #expect(slot.buffer[kernel.range].allSatisfy { $0 == 0 }) }
        #expect(Array(replica.executor.weights.buffer[kernel.range]) == before)
        // The thread computes as before: the product is not flushed.
        #expect(tiny * Float(state.updates) == tiny)
    }
}
