import MIOGraph
import MIOKernels
import MIOPlan
import MIOTensor
import Testing

@Suite struct ExecutorTests {
    /// y = 2x₀ + 3x₁ + 1 by hand: forward, and the gradients of ½·y² summed over two samples.
    @Test func denseForwardAndBackwardByHand() throws {
        let input = Input("x", shape: [2])
        let graph = try Model(inputs: [input], outputs: [Dense(1, name: "y")(input)]).graph
        let plan = Plan(
            PlanRequest(
                graph: graph, heads: [.init(output: "y", absorbs: nil, trained: true)], samples: 2),
            backend: ReferenceBackend())
        let executor = try Executor(plan: plan, graph: graph, backend: ReferenceBackend())
        for parameter in plan.parameters {
            let values: [Float] = parameter.name == "y/kernel" ? [2, 3] : [1]
            executor.setCanonical(
                Tensor(shape: parameter.shape, values: values), parameter, in: executor.weights)
        }
        let x = executor.value(plan.inputs[0])
        for (i, value) in [1, 2, -1, 0.5].enumerated() { x[i] = Float(value) }
        let pass = Pass(samples: 2, context: CallContext(training: true))
        executor.forward(pass)
        let head = plan.heads[0]
        let y = executor.value(head.tensor)
        #expect([y[0], y[1]] == [9, 0.5])
        for i in 0..<2 { executor.gradient(head.tensor)![i] = y[i] }
        var completed: [Int] = []
        executor.backward(pass) { completed.append($0) }
        #expect(completed == [0])
        let gradients = Dictionary(
            uniqueKeysWithValues: plan.parameters.map {
                ($0.name, executor.canonical($0, in: executor.gradients).values)
            })
        #expect(gradients == ["y/kernel": [8.5, 18.25], "y/bias": [9.5]])
    }
}
