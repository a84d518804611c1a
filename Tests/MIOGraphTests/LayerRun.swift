import MIOBase
import MIOGraph

/// One call of a layer on arrays: what the tests of the plain layers run.
final class LayerRun<T: Scalar> {
    let layer: any Layer
    let inputShapes: [Shape]
    let results: [Shape]
    /// Of the first result.
    var outputShape: Shape { results[0] }
    var output: Storage<T> { outputs[0] }
    let samples: Int
    var context: CallContext
    private let elements: [TensorElement]
    /// The call's name, of which its random numbers are made.
    private let path: String
    let inputs: [Storage<T>]
    let weights: [Storage<T>]
    let outputs: [Storage<T>]
    /// Of each input; empty if there is none.
    let masks: [Storage<T>?]
    private let kept: Storage<T>
    private let scratch: Storage<T>

    init(
        _ layer: any Layer, shapes: [Shape], samples: Int = 1, context: CallContext = CallContext(),
        elements: [TensorElement] = [], inputs: [[T]], weights: [[T]] = [], masks: [[T]?] = [],
        path: String = "layer"
    ) throws {
        self.layer = layer
        self.path = path
        inputShapes = shapes
        results = try layer.results(
            for: shapes.enumerated().map { TensorSpec($1, elements.isEmpty ? .float32 : elements[$0]) }
        ).map(\.shape)
        self.samples = samples
        self.context = context
        self.elements = elements
        self.inputs = inputs.map(Storage.init(copying:))
        self.weights = weights.map(Storage.init(copying:))
        self.masks = masks.map { $0.map(Storage.init(copying:)) }
        outputs = results.map { Storage(count: samples * $0.count) }
        let memory = layer.memory(for: shapes, output: results[0])
        kept = Storage(count: samples * memory.kept)
        scratch = Storage(count: samples * memory.scratch)
    }

    private var call: ForwardCall<T> {
        ForwardCall(
            samples: samples, context: context, streams: RandomStreams(path: path),
            inputShapes: inputShapes, outputShapes: results, inputElements: elements,
            inputs: inputs.map { UnsafePointer($0.pointer) },
            masks: (masks.isEmpty ? inputs.map { _ in nil } : masks).map {
                $0.map { UnsafePointer($0.pointer) }
            },
            weights: weights.map { UnsafePointer($0.pointer) }, outputs: outputs.map(\.pointer),
            kept: kept.count == 0 ? nil : kept.pointer, scratch: scratch.count == 0 ? nil : scratch.pointer)
    }

    /// The results for the present inputs and weights, one after the other; they hold garbage before.
    @discardableResult
    func forward() -> [T] {
        for storage in outputs + [kept, scratch] { storage.fill(.nan) }
        layer.forward(call)
        return outputs.flatMap { Array($0.buffer) }
    }

    /// The gradients after a backward that found `initial` in every gradient, less that: what it added.
    /// The forward must have run.
    func backward(_ outputGradient: [T], initial: T = 0) -> (inputs: [[T]], weights: [[T]]) {
        scratch.fill(.nan)
        var rest = outputGradient[...]
        let gradients = outputs.map { output in
            defer { rest = rest.dropFirst(output.count) }
            return Storage(copying: Array(rest.prefix(output.count)))
        }
        let inputGradients = inputs.map { Storage(repeating: initial, count: $0.count) }
        let weightGradients = weights.map { Storage(repeating: initial, count: $0.count) }
        // The call holds pointers alone: what they point to has to outlive it.
        defer { withExtendedLifetime(gradients) {} }
        layer.backward(
            BackwardCall(
                forward: call, outputGradients: gradients.map { UnsafePointer($0.pointer) },
                inputGradients: inputGradients.map(\.pointer), weightGradients: weightGradients.map(\.pointer)
            ))
        return (
            inputGradients.map { $0.buffer.map { $0 - initial } },
            weightGradients.map { $0.buffer.map { $0 - initial } }
        )
    }
}

extension Storage where Element: Scalar {
    convenience init(copying values: [Element]) {
        self.init(count: values.count)
        for (index, value) in values.enumerated() { pointer[index] = value }
    }

    convenience init(repeating value: Element, count: Int) {
        self.init(count: count)
        fill(value)
    }
}

/// Reproducible numbers for tests.
enum TestNumbers {
    /// `count` numbers in [-1, 1).
    static func uniform(_ count: Int, stream: UInt64) -> [Double] {
        var random = PhiloxSequence(seed: 7, stream: stream)
        return (0..<count).map { _ in Double(random.nextUniform(-1, 1)) }
    }

    /// The numbers −1, …, 1 in equal steps, shuffled: no two are near each other.
    static func distinct(_ count: Int, stream: UInt64) -> [Double] {
        var random = PhiloxSequence(seed: 7, stream: stream)
        return (0..<count).shuffled(using: &random).map { 2 * Double($0) / Double(max(count - 1, 1)) - 1 }
    }
}
