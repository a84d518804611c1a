import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// Every number is a copy or a sum in the same order: no tolerance.
@Suite struct EmbeddingKernelTests {
    /// A table that is called once; the draws of floats in [−1, 1) are word 0 all, those of integers are set.
    @Test(arguments: [1, 3, 17]) func againstThePlainOne(width: Int) throws {
        let text = Input("text", shape: [5])
        let model = try Model(
            inputs: [text], outputs: [Dense(2, name: "y")(Embedding(3, width, name: "words")(text))])
        try expectAlike(model, planned: 4, passes: [4, 1], tolerance: tolerance(sum: 32))
    }

    /// Integers, a table that is called twice, and passes that add to each other.
    @Test func integersAndSharedTables() throws {
        let (text, more) = (
            Input("text", shape: [3], dtype: .int32), Input("more", shape: [2], dtype: .int32)
        )
        let words = Embedding(6, 4, name: "words")
        let model = try Model(
            inputs: [text, more], outputs: [words(text), concatenate([words(more), words(text)], axis: 1)])
        var results: [[[Float]]] = []
        for backend in [ReferenceBackend(), try NativeBackend()] as [any KernelBackend] {
            results.append(try run(model.graph, backend))
        }
        #expect(results[0] == results[1])
        #expect(results[0].last?.contains { $0 != 0 } == true)
    }

    private func run(_ graph: Graph, _ backend: some KernelBackend) throws -> [[Float]] {
        let plan = Plan(
            PlanRequest(
                graph: graph,
                outputs: graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) },
                samples: 2), backend: backend)
        let executor = try Executor(plan: plan, graph: graph, backend: backend)
        for samples in [1, 2] { try executor.prepare(samples: samples) }
        for index in 0..<plan.weightElements { executor.weights.pointer[index] = Float(index % 7) - 3 }
        var results: [[Float]] = []
        for (number, samples) in [2, 1].enumerated() {
            for (index, input) in plan.inputs.enumerated() {
                let count = samples * plan.tensors[input].elements
                let numbers = executor.place(input).assumingMemoryBound(
                    to: Int32.self)
                for place in 0..<count { numbers[place] = Int32((place * 5 + index + number) % 6) }
            }
            let pass = Pass(samples: samples, context: CallContext(training: true), accumulates: number > 0)
            executor.forward(pass)
            for output in plan.outputs {
                let count = samples * output.shape.count
                results.append((0..<count).map { executor.value(output.tensor)[$0] })
                for place in 0..<count { executor.gradient(output.tensor)?[place] = Float(place % 5) / 3 }
            }
            executor.backward(pass) { _ in }
        }
        return results + [Array(executor.gradients.buffer)]
    }
}
