import MIOBase
import MIOConfig

/// Calls a layer on every step of a sequence by itself. <https://keras.io/api/layers/recurrent_layers/time_distributed/>
///
/// x (steps, …) → y (steps, …): the steps of all samples are the samples of the layer inside. So what it drops is drawn for
/// each step by itself, as in Keras. In training a `BatchNormalization` inside normalizes each step by the same step of all
/// samples of the batch.
///
/// Of a whole model in a file of Keras each layer is called so, and those that take several sequences take the same step of each.
public struct TimeDistributed: Layer {
    public static var className: String { "TimeDistributed" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The one that is called on each step.
    public let layer: any Layer

    /// - Parameter layer: gives one tensor.
    public init(_ layer: any Layer, name: String? = nil) {
        self.init(attributes: LayerAttributes(name: name, trainable: layer.attributes.trainable), layer)
    }

    private init(attributes: LayerAttributes, _ layer: any Layer) {
        self.attributes = attributes
        self.layer = layer
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        layer = try config.innerLayer("layer")
        self.attributes = LayerAttributes(
            name: attributes.name, trainable: attributes.trainable && layer.attributes.trainable,
            activityRegularizer: attributes.activityRegularizer)
    }

    public var config: ConfigDictionary { ["layer": layer.innerConfig(name: layer.innerName)] }

    /// The shape of a step.
    public func step(_ input: Shape) -> Shape { Shape(Array(input.dimensions.dropFirst())) }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        try results(for: inputs.map { TensorSpec($0) })[0].shape
    }

    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        guard !inputs.isEmpty,
            inputs.allSatisfy({ $0.shape.rank >= 2 && $0.shape[0] >= 1 && $0.shape[0] == inputs[0].shape[0] })
        else {
            throw ShapeError(
                expected: "sequences (steps, …) of as many steps, which have an axis at least",
                received: inputs.map(\.shape))
        }
        let inner = "the layer inside it, \(type(of: layer).className), "
        guard layer.role != .input else { throw ShapeError("\(inner)is an input and computes nothing") }
        guard layer.resultCount == 1 else {
            throw ShapeError(
                "\(inner)has \(layer.resultCount) results; expected a layer with one, as in Keras"
                    + (layer is any RecurrentLayer ? ": leave return_state out" : ""))
        }
        let steps = inputs.map { TensorSpec(step($0.shape), $0.element) }
        guard steps.count == 1 || layer.batchSums(for: steps.map(\.shape)) == nil else {
            throw ShapeError("\(inner)needs sums over the batch; expected it to take one sequence")
        }
        let results: [TensorSpec]
        do { results = try layer.results(for: steps) } catch { throw ShapeError(inner + error.message) }
        return results.map {
            TensorSpec(Shape([inputs[0].shape[0]] + $0.shape.dimensions), $0.element)
        }
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        layer.weights(for: inputs.map(step)).map { $0.inside(layer.innerName) }
    }

    public func integerRange(ofInput input: Int) -> Range<Int>? { layer.integerRange(ofInput: input) }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }
    public var readsMasks: Bool { layer.readsMasks }

    public func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {
        let known = masks.compactMap(\.self)
        guard !known.isEmpty else { return }
        do { try layer.check(masks: masks.map { $0.map(step) }, for: inputs.map(step)) } catch {
            guard let axes = known.first(where: { $0.rank < 2 }) else { throw error }
            throw ShapeError(
                "the layer inside it, \(type(of: layer).className), reads masks, and the mask of shape \(axes) has one "
                    + "number for each step; expected one with axes of a step too")
        }
    }

    // The same elements in the same order, or the same function of each step's last axis.
    public var role: LayerRole { layer.role == .alias ? .alias : .computation }
    public var outputActivation: Activation? { layer.outputActivation }
    public var withoutActivation: (any Layer)? {
        layer.withoutActivation.map { linear in
            TimeDistributed(
                attributes: attributes, linear)
        }
    }

    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        let one = layer.flops(ofInput: input, of: inputs.map(step), output: step(output))
        return LayerFlops(
            forward: one.forward.clampedTimes(inputs[0][0]), backward: one.backward.clampedTimes(inputs[0][0])
        )
    }

    public func weightElementsOfSample(for inputs: [Shape]) -> Int? {
        layer.weightElementsOfSample(for: inputs.map(step))?.clampedTimes(inputs[0][0])
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        var memory = layer.memory(for: inputs.map(step), output: step(output))
        memory.kept *= inputs[0][0]
        memory.scratch *= inputs[0][0]
        if layer.batchSums(for: inputs.map(step)) != nil {
            memory.scratch += elementsOfStep(input: inputs[0], output: output)
        }
        return memory
    }

    private func inner<T: Scalar>(_ call: ForwardCall<T>, _ memory: LayerMemory) -> ForwardCall<T> {
        let steps = call.inputShapes[0][0]
        return ForwardCall(
            samples: call.samples * steps, context: call.context.folded(steps: steps), streams: call.streams,
            inputShapes: call.inputShapes.map(step), outputShapes: call.outputShapes.map(step),
            inputElements: call.inputElements,
            inputs: call.inputs, masks: call.masks, weights: call.weights, outputs: call.outputs,
            kept: memory.kept == 0 ? nil : call.kept, scratch: memory.scratch == 0 ? nil : call.scratch)
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        if call.batchSums != nil { return forwardByStep(call) }
        layer.forward(inner(call, memory(for: call.inputShapes, output: call.outputShape)))
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        if call.forward.batchSums != nil { return backwardByStep(call) }
        let memory = memory(for: call.forward.inputShapes, output: call.forward.outputShape)
        layer.backward(
            BackwardCall(
                forward: inner(call.forward, memory), outputGradients: call.outputGradients,
                inputGradients: call.inputGradients, weightGradients: call.weightGradients))
    }
}

extension CallContext {
    /// The same, for steps that are samples.
    package func folded(steps: Int) -> CallContext {
        var inner = self
        inner.firstSample *= steps
        return inner
    }
}
