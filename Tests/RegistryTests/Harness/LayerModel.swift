import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan

/// A model around a layer, to run the same training passes on its plain methods and on a backend's fast kernels.
struct LayerModel {
    /// How the layer stands in the model.
    enum Use: String, CaseIterable, Sendable {
        case trained
        /// None of its weights is trained; the weights before it are.
        case frozen
        /// Its first input has steps that do not count.
        case masked
        /// Two calls share the weights, and read the same tensors.
        case calledTwice
        /// Its images come from convolutions, in blocks of channels.
        case behindConvolutions
    }

    let model: Model
    private let shapes: [Shape]
    private let layer: any Layer
    private let use: Use

    /// - Returns: `nil` if the layer cannot be used like this.
    init?(_ layer: any Layer, _ shapes: [Shape], _ use: Use) throws {
        self.layer = layer
        self.shapes = shapes
        self.use = use
        let maskShapes = use == .masked ? layer.maskShapes(for: shapes) : nil
        if use == .masked, maskShapes == nil { return nil }
        if use == .frozen, layer.weights(for: shapes).isEmpty { return nil }
        if use == .behindConvolutions, !shapes.contains(where: { $0.rank == 3 }) { return nil }
        let specs = layer.specs(shapes)
        let readsInputs = (0..<layer.resultCount).contains {
            if case .made = layer.maskRule(ofResult: $0) { true } else { false }
        }
        var inputs: [SymbolicTensor] = []
        var sources: [SymbolicTensor] = []
        for (index, spec) in specs.enumerated() {
            let input = Input("input\(index)", shape: spec.shape, dtype: spec.element)
            inputs.append(input)
            guard spec.element == .float32, !readsInputs, spec.shape.rank > 0 else {
                sources.append(input)
                continue
            }
            let masked = maskShapes?[index] != nil ? Masking(name: "masked\(index)")(input) : input
            // Its weights show the gradient of the layer's input.
            sources.append(
                use == .behindConvolutions && spec.shape.rank == 3
                    ? Conv2D(spec.shape.last, kernelSize: 3, padding: .same, name: "before\(index)")(masked)
                    : Dense(spec.shape.last, name: "before\(index)")(masked))
        }
        var results = layer.all(sources)
        if use == .calledTwice { results += layer.all(sources) }
        model = try Model(
            inputs: inputs, namedOutputs: results.enumerated().map { (name: "result\($0)", tensor: $1) })
    }

    /// Kernels that run the layer's calls.
    func kernels(_ backend: some KernelBackend) -> [KernelName] {
        plan(backend).operations.compactMap {
            guard case .layer(let layer, _, let choice) = $0.work, type(of: layer) == type(of: self.layer)
            else { return nil }
            return choice.kernel
        }
    }

    private var graph: Graph {
        use == .frozen ? model.graph.freezing { !$0.hasPrefix("before") } : model.graph
    }

    private func plan(_ backend: some KernelBackend) -> Plan {
        Plan(
            PlanRequest(
                graph: graph,
                outputs: graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) }, samples: 4),
            backend: backend)
    }

    /// What training passes leave: results of each pass, gradients over all of them, state after the last one; in Keras'
    /// order.
    struct Outcome {
        var tensors: [(name: String, values: [Float])] = []
        /// Whether what lies between the elements of gradients is 0.
        var paddingIsZero = true
    }

    /// Runs passes of 4, 1 and 3 samples of a batch.
    func run(_ backend: some KernelBackend) throws -> Outcome {
        let (graph, plan) = (graph, plan(backend))
        let gradients = Storage<Float>(count: plan.trainedElements)
        let executor = try Executor(plan: plan, graph: graph, backend: backend, gradients: gradients)
        let counts = [4, 1, 3]
        for samples in counts { try executor.prepare(samples: samples) }
        executor.reserveRows(samples: counts.reduce(0, +))
        for parameter in plan.weights {
            let weight = graph.weights[parameter.index]
            let initial = weight.description.initialValues(seed: 3, stream: parameter.index).values
            let more = Numbers.uniform(initial.count, parameter.name, in: -0.25...0.25)
            executor.setCanonical(
                Tensor(shape: parameter.shape, values: zip(initial, more).map { $0 + Float($1) }),
                parameter, in: executor.weights)
        }
        var outcome = Outcome()
        var firstSample = 0
        for (number, samples) in counts.enumerated() {
            for (index, input) in plan.inputs.enumerated() {
                fill(executor.place(input), input: index, samples: samples, pass: number)
            }
            let pass = Pass(
                samples: samples,
                context: CallContext(training: true, seed: 5, step: 3, firstSample: firstSample),
                accumulates: number > 0, usesBatchSums: true)
            runPass(pass, number, executor, &outcome)
            firstSample += samples
        }
        executor.updateState()
        executor.spreadRows()
        for parameter in plan.weights {
            if graph.weights[parameter.index].role == .state {
                outcome.tensors.append(
                    (parameter.name, executor.canonical(parameter, in: executor.weights).values))
            }
            guard parameter.trainable else { continue }
            let values = executor.canonical(parameter, in: gradients).values
            outcome.tensors.append(("the gradient of \(parameter.name)", values))
            let stored = parameter.range.count { gradients.pointer[$0] != 0 }
            if stored != values.count(where: { $0 != 0 }) { outcome.paddingIsZero = false }
        }
        return outcome
    }

    private func fill(_ target: UnsafeMutableRawPointer, input: Int, samples: Int, pass: Int) {
        let values = LayerValues(layer, shapes, samples: 8, masks: layer.maskShapes(for: shapes) ?? [])
            .part(pass == 0 ? 0..<4 : pass == 1 ? 4..<5 : 5..<8)
        let width = shapes[input].last
        let mask = use == .masked ? values.masks[input] : nil
        let isInteger = layer.integerRange(ofInput: input) != nil
        let integers = target.assumingMemoryBound(to: Int32.self)
        let floats = target.assumingMemoryBound(to: Float.self)
        for (index, value) in values.inputs[input].enumerated() {
            if isInteger {
                integers[index] = Int32(value)
            } else {
                floats[index] = mask.map { $0[index / width] == 0 } == true ? 0 : Float(value)
            }
        }
    }

    private func runPass(_ pass: Pass, _ number: Int, _ executor: Executor, _ outcome: inout Outcome) {
        let (plan, sums) = (executor.plan, executor.batchSums)
        // Each pass is a batch of its own for what adds up over the batch.
        for stage in plan.stages {
            let target = sums.pointer + stage.forwardSums.lowerBound
            target.update(repeating: 0, count: stage.forwardSums.count)
            executor.addForwardSums(pass, stage: stage, to: target)
            executor.forward(pass, stage: stage)
        }
        for output in plan.outputs {
            let count = pass.samples * output.shape.count
            let values = executor.value(output.tensor)
            outcome.tensors.append(("\(output.name) of pass \(number)", (0..<count).map { values[$0] }))
            guard let gradient = executor.gradient(output.tensor) else { continue }
            let upstream = Numbers.uniform(count, "\(output.name), pass \(number)")
            for index in 0..<count { gradient[index] = Float(upstream[index]) }
        }
        let stages = plan.stages
        for (index, stage) in stages.enumerated().reversed() {
            let end =
                index + 1 < stages.count
                ? stages[index + 1].summing.upperBound : stage.operations.upperBound
            executor.backward(pass, stage.summing.upperBound..<end) { _ in }
            let target = sums.pointer + stage.backwardSums.lowerBound
            target.update(repeating: 0, count: stage.backwardSums.count)
            executor.addBackwardSums(pass, stage: stage, to: target)
        }
    }
}
