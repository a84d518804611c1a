import MIOBase
import MIOBatches
import MIOComm
import MIOGraph
import MIOKernels
import MIOObjectives
import MIOOptimizers
import MIOPlan
import MIOTraining
import Testing

/// Numbers that a layer cannot take are found in the batch that comes next, before its step.
@Suite struct NumberFaultTests {
    private func fault(_ number: Float, dtype: TensorElement) throws -> BatchFault? {
        let text = Input("text", shape: [3], dtype: dtype)
        let model = try Model(inputs: [text], outputs: [Embedding(4, 2, name: "words")(text)])
        let outputs = [OutputSpecification("words", loss: MeanSquaredError())]
        let communicator = LoopbackCommunicator()
        let optimizer = SGD(options: OptimizerOptions(learningRate: Constant(0.1)))
        let plan = Plan(
            Replica.planRequest(graph: model.graph, outputs: outputs, pass: 2), backend: ReferenceBackend())
        let memory = try TrainingMemory(
            plan: plan, graph: model.graph, outputs: outputs, optimizer: optimizer,
            communicator: communicator)
        let replica = try Replica(
            graph: model.graph, outputs: outputs, backend: ReferenceBackend(), plan: plan, part: 2,
            memory: memory)
        try replica.prepare(shardSizes: [2])
        let step = TrainingStep(
            replica: replica,
            optimizer: OptimizerState(optimizer, plan: plan, memory: memory, communicator: communicator),
            memory: memory, communicator: communicator, seed: 0)
        var count = 0
        let batch = Batch(columns: replica.columns.requests, samples: 2) { column in
            guard column.role == .input else { return 0 }
            count += 1
            return count == 5 ? number : 3
        }
        return try step.begin(batch)
    }

    @Test(arguments: [TensorElement.int32, .float32]) func inTheNextBatch(dtype: TensorElement) throws {
        #expect(try fault(3, dtype: dtype) == nil)
        #expect(try fault(0, dtype: dtype) == nil)
        for number: Float in [4, -1] {
            guard case .number(let found)? = try fault(number, dtype: dtype) else {
                Issue.record("\(number) is no row of the table")
                continue
            }
            #expect((found.sample, found.element, found.value) == (1, 1, Double(number)))
            #expect(found.reader.range == 0..<4)
        }
    }
}
