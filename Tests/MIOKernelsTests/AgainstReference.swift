import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// What one training pass leaves, all in canonical order.
struct Outcome {
    var outputs: [String: [Float]] = [:]
    var gradients: [String: [Float]] = [:]
    /// Whether the gradients, as they are stored, have as many elements that are not 0 as in Keras' order.
    var paddingIsZero = true
}

/// Runs a model on `backend` with weights, inputs and output gradients that are functions of the seed alone.
func run(
    _ model: Model, _ backend: some KernelBackend, planned: Int, passes: [Int], seed: UInt64 = 3
) throws -> Outcome {
    let graph = model.graph
    let plan = Plan(
        PlanRequest(
            graph: graph, outputs: graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) },
            samples: planned), backend: backend)
    let executor = try Executor(plan: plan, graph: graph, backend: backend)
    for samples in Set(passes) { try executor.prepare(samples: samples) }
    for weight in plan.weights.sorted(by: { $0.name < $1.name }) {
        var random = PhiloxSequence(seed: seed, stream: UInt64(weight.index))
        let bound = (6 / Float(weight.shape.count / weight.shape.last + 1)).squareRoot() * 0.8
        let isVariance = weight.name.hasSuffix("variance")
        let values = (0..<weight.shape.count).map { _ in
            random.nextUniform(isVariance ? bound / 4 : -bound, bound)
        }
        executor.setCanonical(
            Tensor(shape: weight.shape, values: values), weight, in: executor.weights)
    }
    var outcome = Outcome()
    var random = PhiloxSequence(seed: seed, stream: 99)
    for (number, samples) in passes.enumerated() {
        for input in plan.inputs {
            let x = executor.value(input)
            for i in 0..<samples * plan.tensors[input].elements { x[i] = random.nextUniform(-1, 1) }
        }
        let pass = Pass(
            samples: samples, context: CallContext(training: true, seed: 5), accumulates: number > 0)
        executor.forward(pass)
        for output in plan.outputs {
            let count = samples * output.shape.count
            let y = executor.value(output.tensor)
            outcome.outputs[output.name, default: []] += (0..<count).map { y[$0] }
            if let gradient = executor.gradient(output.tensor) {
                for i in 0..<count { gradient[i] = random.nextUniform(-1, 1) }
            }
        }
        executor.backward(pass) { _ in }
    }
    for weight in plan.weights where weight.trainable {
        let values = executor.canonical(weight, in: executor.gradients).values
        outcome.gradients[weight.name] = values
        let stored = weight.range.reduce(0) { $0 + (executor.gradients.pointer[$1] == 0 ? 0 : 1) }
        let canonical = values.reduce(0) { $0 + ($1 == 0 ? 0 : 1) }
        if stored != canonical { outcome.paddingIsZero = false }
    }
    return outcome
}

/// The largest difference, of values of this root mean square, in units of it.
func difference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    let norm = (b.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(b.count, 1))).squareRoot()
    var largest: Float = 0
    for (x, y) in zip(a, b) {
        guard x.isFinite, y.isFinite else { return .infinity }
        largest = max(largest, abs(x - y))
    }
    return norm == 0 ? largest : largest / Float(norm)
}

/// Both sides round: their difference grows with the square root of the longest sum, and its maximum over many
/// elements is some six deviations. Winograd's 4×4 tiles multiply the error by about 2 (measured rms 5.3e-7 against
/// 3.1e-7 of direct convolution); a chain of layers adds theirs.
func tolerance(sum: Int, winograd: Bool = false, layers: Int = 1) -> Float {
    8 * Float.ulpOfOne * Float(sum).squareRoot() * (winograd ? 4 : 1) * Float(layers)
}

func expectAlike(
    _ model: Model, _ backend: NativeBackend? = nil, planned: Int = 3, passes: [Int] = [3],
    tolerance: Float, vanishing: Set<String> = [],
    _ location: SourceLocation = #_sourceLocation
) throws {
    let native = try run(model, backend ?? NativeBackend(), planned: planned, passes: passes)
    let plain = try run(model, ReferenceBackend(), planned: planned, passes: passes)
    #expect(!plain.outputs.isEmpty, sourceLocation: location)
    #expect(Set(native.gradients.keys) == Set(plain.gradients.keys), sourceLocation: location)
    for (name, values) in plain.outputs {
        let error = difference(native.outputs[name] ?? [], values)
        #expect(error <= tolerance, "\(name): \(error) > \(tolerance)", sourceLocation: location)
    }
    let largest = plain.gradients.values.joined().map(abs).max() ?? 0
    for (name, values) in plain.gradients where vanishing.contains(name) {
        let found = (native.gradients[name] ?? []).map(abs).max() ?? .infinity
        #expect(
            max(found, values.map(abs).max() ?? .infinity) <= tolerance * largest, "\(name)",
            sourceLocation: location)
    }
    for (name, values) in plain.gradients where !vanishing.contains(name) {
        let error = difference(native.gradients[name] ?? [], values)
        #expect(error <= tolerance, "gradient of \(name): \(error)", sourceLocation: location)
    }
    #expect(native.paddingIsZero, sourceLocation: location)
}

/// Expects that no call of the model runs on its plain implementation.
func expectAllFast(_ model: Model, _ location: SourceLocation = #_sourceLocation) throws {
    let plan = Plan(
        PlanRequest(
            graph: model.graph,
            outputs: model.graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) }, samples: 3
        ),
        backend: try NativeBackend())
    for operation in plan.operations {
        guard case .layer(_, _, let choice) = operation.work else { continue }
        #expect(choice.kernel != .reference, "\(operation.name)", sourceLocation: location)
    }
}
