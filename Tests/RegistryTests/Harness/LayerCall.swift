import MIOBase
import MIOGraph
import Testing

/// What a call of a layer's plain methods left.
struct LayerOutcome<T: Scalar> {
    var outputs: [[T]] = []
    /// `nil` where nobody asked, or where there is none.
    var inputGradients: [[T]?] = []
    var weightGradients: [[T]?] = []
    /// Over these samples alone.
    var forwardSums: [Double] = []
    var backwardSums: [Double] = []

    /// All gradients one after another, with their names.
    var gradients: [(name: String, values: [T])] {
        inputGradients.enumerated().compactMap { index, values in
            values.map { ("the gradient of input \(index)", $0) }
        }
            + weightGradients.enumerated().compactMap { index, values in
                values.map { ("the gradient of weight \(index)", $0) }
            }
    }
}

/// A call of a layer's plain methods, forward and backward, on memory with guards.
struct LayerCall {
    let layer: any Layer
    let shapes: [Shape]
    var context = CallContext(training: true, seed: 5, step: 2, firstSample: 11)
    var path = "model/layer"
    /// The sums over the batch, if they are not those of the samples at hand.
    var batchSums: (forward: [Double], backward: [Double])?
    /// Whether to ask for the gradient of an input or a weight.
    var asksForInput: (Int) -> Bool = { _ in true }
    var asksForWeight: (Int) -> Bool = { _ in true }
    /// Whether a result has a gradient.
    var hasGradient: (Int) -> Bool = { _ in true }
    /// What every gradient is before backward adds to it.
    static var before: Double { 0.5 }

    /// Runs forward, and backward if there are gradients of the results.
    /// - Parameter upstream: of each result, all samples.
    func run<T: Scalar>(
        _ values: LayerValues, upstream: [[Double]]? = nil, in _: T.Type,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> LayerOutcome<T> {
        let specs = layer.specs(shapes)
        let results = try layer.results(for: specs).map(\.shape)
        let samples = values.samples
        let memory = layer.memory(for: shapes, output: results[0])
        func array(_ values: [Double]) -> Memory<T> { Memory(values.map { T($0) }) }
        let inputs = zip(values.inputs, specs).map {
            $1.element == .int32 ? Memory<T>(integers: $0) : array($0)
        }
        let masks = values.masks.map { $0.map(array) }
        let weights = values.weights.map(array)
        let outputs = results.map { Memory<T>(count: samples * $0.count) }
        let kept = Memory<T>(count: samples * memory.kept)
        let scratch = Memory<T>(count: samples * memory.scratch)
        // Only a step of training of a layer that is trained has sums.
        let wanted = context.training ? layer.batchSums(for: shapes) : nil
        var (forwardSums, backwardSums) = (
            Memory([Double](repeating: 0, count: wanted?.forward ?? 0)),
            Memory([Double](repeating: 0, count: wanted?.backward ?? 0))
        )
        var outcome = LayerOutcome<T>()
        let all: [Memory<T>] = inputs + masks.compactMap { $0 } + weights + outputs + [kept, scratch]

        var call = ForwardCall<T>(
            samples: samples, context: context, streams: RandomStreams(path: path), inputShapes: shapes,
            outputShapes: results,
            inputElements: specs.contains { $0.element != .float32 } ? specs.map(\.element) : [],
            inputs: inputs.map(\.reading),
            masks: layer.readsMasks
                ? (masks.isEmpty ? inputs.map { _ in nil } : masks.map { $0?.reading }) : [],
            weights: weights.map(\.reading), outputs: outputs.map(\.pointer),
            kept: memory.kept == 0 ? nil : kept.pointer, scratch: memory.scratch == 0 ? nil : scratch.pointer)
        if wanted != nil {
            layer.addForwardSums(call, to: forwardSums.pointer)
            outcome.forwardSums = forwardSums.values
            if let batchSums { forwardSums = Memory(batchSums.forward) }
            call.batchSums = forwardSums.reading
        }
        layer.forward(call)
        outcome.outputs = outputs.map(\.values)

        var written: [Memory<T>] = []
        if let upstream {
            let outputGradients = upstream.map(array)
            func gradients(_ tensors: [Memory<T>], _ isAsked: (Int) -> Bool) -> [Memory<T>?] {
                tensors.enumerated().map { index, tensor in
                    isAsked(index) ? array([Double](repeating: Self.before, count: tensor.count)) : nil
                }
            }
            let descriptions = layer.weights(for: shapes)
            let inputGradients = gradients(inputs) { specs[$0].element == .float32 && asksForInput($0) }
            let weightGradients = gradients(weights) { !descriptions[$0].isState && asksForWeight($0) }
            written = outputGradients + (inputGradients + weightGradients).compactMap { $0 }
            for index in 0..<scratch.count { scratch.pointer[index] = .nan }
            var backward = BackwardCall(
                forward: call,
                outputGradients: outputGradients.enumerated().map { hasGradient($0) ? $1.reading : nil },
                inputGradients: inputGradients.map { $0?.pointer },
                weightGradients: weightGradients.map { $0?.pointer })
            if wanted != nil {
                layer.addBackwardSums(backward, to: backwardSums.pointer)
                outcome.backwardSums = backwardSums.values
                if let batchSums { backwardSums = Memory(batchSums.backward) }
                backward.batchSums = backwardSums.reading
            }
            layer.backward(backward)
            outcome.inputGradients = inputGradients.map { $0?.values }
            outcome.weightGradients = weightGradients.map { $0?.values }
            for (gradient, before) in zip(outputGradients, upstream) {
                #expect(
                    gradient.values.doubles.isSame(as: before.map { Double(T($0)) }),
                    "backward changes the gradient that it is given", sourceLocation: sourceLocation)
            }
        }
        #expect(
            (all + written).allSatisfy { $0.isIntact } && forwardSums.isIntact && backwardSums.isIntact,
            "a call on \(samples) samples writes beside its arrays", sourceLocation: sourceLocation)
        return outcome
    }
}
