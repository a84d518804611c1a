import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

@Suite struct ExecutorTests {
    /// y = 2x₀ + 3x₁ + 1 by hand: forward, and the gradients of ½·y² summed over two samples.
    @Test func denseForwardAndBackwardByHand() throws {
        let input = Input("x", shape: [2])
        let graph = try Model(inputs: [input], outputs: [Dense(1, name: "y")(input)]).graph
        let plan = Plan(
            PlanRequest(
                graph: graph, outputs: [.init(name: "y", absorbs: nil, trained: true)], samples: 2),
            backend: ReferenceBackend())
        let executor = try Executor(plan: plan, graph: graph, backend: ReferenceBackend())
        for weight in plan.weights {
            let values: [Float] = weight.name == "y/kernel" ? [2, 3] : [1]
            executor.setCanonical(
                Tensor(shape: weight.shape, values: values), weight, in: executor.weights)
        }
        let x = executor.value(plan.inputs[0])
        for (i, value) in [1, 2, -1, 0.5].enumerated() { x[i] = Float(value) }
        let pass = Pass(samples: 2, context: CallContext(training: true))
        executor.forward(pass)
        let output = plan.outputs[0]
        let y = executor.value(output.tensor)
        #expect([y[0], y[1]] == [9, 0.5])
        for i in 0..<2 { executor.gradient(output.tensor)![i] = y[i] }
        var completed: [Int] = []
        executor.backward(pass) { completed.append($0) }
        #expect(completed == [0])
        let gradients = Dictionary(
            uniqueKeysWithValues: plan.weights.map {
                ($0.name, executor.canonical($0, in: executor.gradients).values)
            })
        #expect(gradients == ["y/kernel": [8.5, 18.25], "y/bias": [9.5]])
    }

    /// A weight's elements lie where `places` says, in every layout; nowhere but in canonical order if it says nothing.
    @Test func placesOfWeights() throws {
        let (image, steps) = (Input("image", shape: [6, 5, 3]), Input("steps", shape: [4, 3]))
        let shared = Conv2D(3, kernelSize: 3, padding: .same, name: "shared")
        let pixels = Conv2D(20, kernelSize: 3, activation: .relu, name: "blocked")(shared(shared(image)))
        let flat = Flatten()(BatchNormalization(name: "normal")(pixels))
        let model = try Model(
            inputs: [image, steps],
            outputs: [
                Conv2D(2, kernelSize: 1, name: "few")(pixels), Dense(3, name: "small")(flat),
                Dense(400, name: "wide")(flat), LSTM(3, name: "lstm")(steps),
            ])
        let executor = try executor(model)
        var layouts: Set<Bool> = []
        for weight in executor.plan.weights {
            var tensor = Tensor(zeros: weight.shape)
            for index in 0..<weight.shape.count { tensor.values[index] = Float(index + 1) }
            executor.setCanonical(tensor, weight, in: executor.weights)
            let places = executor.places(of: weight)
            layouts.insert(places == nil)
            #expect(places == nil || Set(places!).count == weight.shape.count)
            let stored = executor.weights.pointer + weight.offset
            let isThere = (0..<weight.shape.count).allSatisfy {
                stored[places?[$0] ?? $0] == Float($0 + 1)
            }
            #expect(isThere, "\(weight.name), \(weight.layout)")
        }
        #expect(layouts == [true, false])
    }

    /// Of several Dense of every kind, flattened and side by side: from memory that no vector is aligned to.
    @Test func denseLayersReadInputsWhereTheyLie() throws {
        let (image, other) = (Input("image", shape: [3, 5, 7]), Input("other", shape: [20]))
        let flat = Flatten()(image)
        let model = try Model(
            inputs: [image, other],
            outputs: [
                Dense(1, name: "one")(flat), Dense(3, name: "few")(concatenate([flat, other])),
                Dense(30, name: "small")(other), Dense(400, name: "wide")(concatenate([other, flat])),
                Dense(4, name: "pixels")(image),
            ])
        let executor = try executor(model)
        let plan = executor.plan
        let sizes = plan.inputs.map { plan.tensors[$0].elements }
        let samples = sizes.map { size in
            (0..<3 * size).map { Float(($0 * 37) % 23) / 11 - 1 }
        }
        /// Outputs and gradients, of inputs that lie in the batch or were copied.
        func results(inPlace: Bool) throws -> [Float] {
            for (index, values) in samples.enumerated() {
                let target = executor.value(plan.inputs[index])
                if inPlace {
                    target.update(repeating: .nan, count: values.count)
                } else {
                    target.update(from: values, count: values.count)
                    #expect(executor.read(input: index, at: target))
                }
            }
            let memory = samples.map { Storage<Float>(count: $0.count + 1) }
            for (index, values) in samples.enumerated() where inPlace {
                (memory[index].pointer + 1).update(from: values, count: values.count)
                #expect(executor.read(input: index, at: memory[index].pointer + 1))
            }
            let pass = Pass(samples: 3, context: CallContext(training: true))
            executor.forward(pass)
            var found: [Float] = []
            for output in plan.outputs {
                let count = 3 * output.shape.count
                let y = executor.value(output.tensor)
                found += UnsafeBufferPointer(start: y, count: count)
                executor.gradient(output.tensor)!.update(from: y, count: count)
            }
            executor.backward(pass) { _ in }
            for (index, values) in samples.enumerated() where inPlace {
                #expect(Array(memory[index].buffer) == [0] + values, "written to")
            }
            return found + executor.gradients.buffer
        }
        #expect(try results(inPlace: true) == results(inPlace: false))
    }

    /// Of a convolution's library, and of whoever asks for the model's outputs.
    @Test func inputsThatOthersReadAreCopied() throws {
        let image = Input("image", shape: [6, 6, 3])
        let vector = Input("vector", shape: [9])
        let models = [
            try Model(
                inputs: [image],
                outputs: [
                    Dense(2, name: "a")(Flatten()(image)),
                    Dense(2, name: "b")(Flatten()(Conv2D(4, kernelSize: 3, name: "c")(image))),
                ]),
            try Model(inputs: [vector], outputs: [Dense(2, name: "a")(vector), Reshape([3, 3])(vector)]),
        ]
        for model in models {
            let executor = try executor(model)
            let values = Storage<Float>(count: 3 * 108)
            #expect(!executor.read(input: 0, at: values.pointer))
        }
    }

    private func executor(_ model: Model) throws -> Executor {
        let backend = try NativeBackend()
        let plan = Plan(
            PlanRequest(
                graph: model.graph,
                outputs: model.graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) },
                samples: 3), backend: backend)
        let executor = try Executor(plan: plan, graph: model.graph, backend: backend)
        for weight in plan.weights {
            let values = (0..<weight.shape.count).map { Float(($0 * 29) % 17) / 17 - 0.5 }
            executor.setCanonical(
                Tensor(shape: weight.shape, values: values), weight, in: executor.weights)
        }
        return executor
    }
}
