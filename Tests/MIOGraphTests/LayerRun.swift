import MIOBase
import MIOGraph

/// One call of a layer on arrays: what the tests of the plain layers run.
final class LayerRun<T: Scalar> {
    let layer: any Layer
    let inputShapes: [Shape]
    let outputShape: Shape
    let samples: Int
    var context: CallContext
    private let elements: [TensorElement]
    let inputs: [Storage<T>]
    let weights: [Storage<T>]
    let output: Storage<T>
    private let kept: Storage<T>
    private let scratch: Storage<T>

    init(
        _ layer: any Layer, shapes: [Shape], samples: Int = 1, context: CallContext = CallContext(),
        elements: [TensorElement] = [], inputs: [[T]], weights: [[T]] = []
    ) throws {
        self.layer = layer
        inputShapes = shapes
        outputShape = try layer.outputShape(for: shapes)
        self.samples = samples
        self.context = context
        self.elements = elements
        self.inputs = inputs.map(Storage.init(copying:))
        self.weights = weights.map(Storage.init(copying:))
        output = Storage(count: samples * outputShape.count)
        let memory = layer.memory(for: shapes, output: outputShape)
        kept = Storage(count: samples * memory.kept)
        scratch = Storage(count: samples * memory.scratch)
    }

    private var call: ForwardCall<T> {
        ForwardCall(
            samples: samples, context: context, streams: RandomStreams(path: "layer"),
            inputShapes: inputShapes, outputShapes: [outputShape], inputElements: elements,
            inputs: inputs.map { UnsafePointer($0.pointer) }, masks: inputs.map { _ in nil },
            weights: weights.map { UnsafePointer($0.pointer) }, outputs: [output.pointer],
            kept: kept.count == 0 ? nil : kept.pointer, scratch: scratch.count == 0 ? nil : scratch.pointer)
    }

    /// The result for the present inputs and weights; the output holds garbage before.
    @discardableResult
    func forward() -> [T] {
        for storage in [output, kept, scratch] { storage.fill(.nan) }
        layer.forward(call)
        return Array(output.buffer)
    }

    /// The gradients after a backward that found `initial` in every gradient, less that: what it added.
    /// The forward must have run.
    func backward(_ outputGradient: [T], initial: T = 0) -> (inputs: [[T]], weights: [[T]]) {
        scratch.fill(.nan)
        let gradient = Storage(copying: outputGradient)
        let inputGradients = inputs.map { Storage(repeating: initial, count: $0.count) }
        let weightGradients = weights.map { Storage(repeating: initial, count: $0.count) }
        layer.backward(
            BackwardCall(
                forward: call, outputGradient: UnsafePointer(gradient.pointer),
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
