import MIOBase

/// What a layer may know of a step besides its tensors.
@usableFromInline
package struct CallContext: Sendable {
    /// Whether this is a training step; Dropout does nothing otherwise.
    @usableFromInline package var training: Bool
    @usableFromInline package var seed: UInt64
    /// The number of optimizer steps before this one.
    @usableFromInline package var step: UInt64
    /// The position in the global batch of the call's first sample, whichever rank computes it.
    @usableFromInline package var firstSample: Int

    @inlinable
    package init(training: Bool = false, seed: UInt64 = 0, step: UInt64 = 0, firstSample: Int = 0) {
        self.training = training
        self.seed = seed
        self.step = step
        self.firstSample = firstSample
    }
}

/// The tensors of one call of a layer on `samples` samples, batch outermost, each in canonical order.
public struct ForwardCall<T: Scalar> {
    /// The samples of the call.
    public var samples: Int
    package var context: CallContext
    package let streams: RandomStreams
    /// Of one sample, input by input.
    public let inputShapes: [Shape]
    /// Of one sample, result by result.
    public let outputShapes: [Shape]
    /// What the elements of the inputs are; empty if all are floats.
    public let inputElements: [TensorElement]
    /// `inputs[i]`: (samples, inputShapes[i]…). Of a tensor of integers see `integers(ofInput:)`.
    public let inputs: [UnsafePointer<T>]
    /// For each input its mask, (samples, the mask's axes): 1 for a position that counts, 0 for one that does not; `nil` if
    /// all count. Empty if the layer reads no masks.
    public let masks: [UnsafePointer<T>?]
    /// In the order of `Layer.weights(for:)`.
    public let weights: [UnsafePointer<T>]
    /// `outputs[i]`: (samples, outputShapes[i]…); overwritten.
    public let outputs: [UnsafeMutablePointer<T>]
    /// The sums over the global batch that `addForwardSums` added to; `nil` if this call goes without: the layer is not
    /// trained, or the call is not part of a training step.
    public var batchSums: UnsafePointer<Double>?
    /// How large the weights and the layer's own memory are; `nil` if whoever makes the call leaves that to the layer.
    package let counts: CallCounts?
    private let keptMemory: UnsafeMutablePointer<T>?
    private let scratchMemory: UnsafeMutablePointer<T>?

    /// - Parameters:
    ///   - kept: (samples, `LayerMemory.kept`); `nil` if the layer asks for none.
    ///   - scratch: (samples, `LayerMemory.scratch`); `nil` if the layer asks for none.
    package init(
        samples: Int, context: CallContext = CallContext(), streams: RandomStreams = RandomStreams(path: ""),
        inputShapes: [Shape], outputShapes: [Shape], inputElements: [TensorElement] = [],
        inputs: [UnsafePointer<T>],
        masks: [UnsafePointer<T>?] = [], weights: [UnsafePointer<T>], outputs: [UnsafeMutablePointer<T>],
        batchSums: UnsafePointer<Double>? = nil, kept: UnsafeMutablePointer<T>? = nil,
        scratch: UnsafeMutablePointer<T>? = nil, counts: CallCounts? = nil
    ) {
        self.counts = counts
        keptMemory = kept
        scratchMemory = scratch
        self.samples = samples
        self.context = context
        self.streams = streams
        self.inputShapes = inputShapes
        self.outputShapes = outputShapes
        self.inputElements = inputElements
        self.inputs = inputs
        self.masks = masks
        self.weights = weights
        self.outputs = outputs
        self.batchSums = batchSums
    }

    /// Of a layer with one result.
    package init(
        samples: Int, context: CallContext = CallContext(), streams: RandomStreams = RandomStreams(path: ""),
        inputShapes: [Shape], outputShape: Shape, inputElements: [TensorElement] = [],
        inputs: [UnsafePointer<T>], weights: [UnsafePointer<T>],
        output: UnsafeMutablePointer<T>, kept: UnsafeMutablePointer<T>? = nil,
        scratch: UnsafeMutablePointer<T>? = nil
    ) {
        self.init(
            samples: samples, context: context, streams: streams, inputShapes: inputShapes,
            outputShapes: [outputShape], inputElements: inputElements, inputs: inputs, weights: weights,
            outputs: [output], kept: kept,
            scratch: scratch)
    }

    /// Of the first result.
    public var outputShape: Shape { outputShapes[0] }
    /// The first result.
    public var output: UnsafeMutablePointer<T> { outputs[0] }

    /// (samples, inputShapes[input]…): an input of integers, which take four bytes each, whatever `T` is.
    public func integers(ofInput input: Int) -> UnsafePointer<Int32> {
        UnsafeRawPointer(inputs[input]).assumingMemoryBound(to: Int32.self)
    }

    /// Copies elements of an input that lie together to the first result, whatever they are.
    func copy(_ count: Int, ofInput input: Int, from place: Int, to target: Int) {
        guard input < inputElements.count, inputElements[input] == .int32 else {
            (output + target).update(from: inputs[input] + place, count: count)
            return
        }
        let integers = UnsafeMutableRawPointer(output).assumingMemoryBound(to: Int32.self)
        (integers + target).update(from: self.integers(ofInput: input) + place, count: count)
    }

    /// An element of an input as a whole number, with its fraction cut off if it has one, as Keras casts; `nil` for what 32
    /// bits do not hold.
    @inline(__always)
    public func integer(_ index: Int, ofInput input: Int) -> Int? {
        if input < inputElements.count, inputElements[input] == .int32 {
            return Int(integers(ofInput: input)[index])
        }
        return Int(cutting: inputs[input][index])
    }

    /// (samples, `LayerMemory.kept`): forward overwrites it, backward reads it.
    /// - Precondition: the layer asks for some.
    public var kept: UnsafeMutablePointer<T> {
        guard let keptMemory else { preconditionFailure("the layer asked for no memory to keep") }
        return keptMemory
    }

    /// (samples, `LayerMemory.scratch`): it holds anything when a forward or a backward begins.
    /// - Precondition: the layer asks for some.
    public var scratch: UnsafeMutablePointer<T> {
        guard let scratchMemory else { preconditionFailure("the layer asked for no scratch memory") }
        return scratchMemory
    }
}

/// The tensors of one call's backward: those of its forward, and their gradients.
public struct BackwardCall<T: Scalar> {
    /// The forward pass that this belongs to.
    public var forward: ForwardCall<T>
    /// (samples, outputShapes[i]…): what comes back from the result's consumers; `nil` if it has none that a loss depends
    /// on. Read only.
    public let outputGradients: [UnsafePointer<T>?]
    /// Shaped as the inputs, added to; `nil` where nobody needs it.
    public let inputGradients: [UnsafeMutablePointer<T>?]
    /// Shaped as the weights, added to; `nil` where the weight is not trained.
    public let weightGradients: [UnsafeMutablePointer<T>?]
    /// The sums over the global batch that `addBackwardSums` added to; `nil` where `forward.batchSums` is.
    public var batchSums: UnsafePointer<Double>?

    /// A backward call on memory of the caller.
    public init(
        forward: ForwardCall<T>, outputGradients: [UnsafePointer<T>?],
        inputGradients: [UnsafeMutablePointer<T>?], weightGradients: [UnsafeMutablePointer<T>?],
        batchSums: UnsafePointer<Double>? = nil
    ) {
        self.forward = forward
        self.outputGradients = outputGradients
        self.inputGradients = inputGradients
        self.weightGradients = weightGradients
        self.batchSums = batchSums
    }

    /// Of a layer with one result.
    public init(
        forward: ForwardCall<T>, outputGradient: UnsafePointer<T>,
        inputGradients: [UnsafeMutablePointer<T>?], weightGradients: [UnsafeMutablePointer<T>?]
    ) {
        self.init(
            forward: forward, outputGradients: [outputGradient], inputGradients: inputGradients,
            weightGradients: weightGradients)
    }

    /// The samples of the call.
    public var samples: Int { forward.samples }
    /// The first result's gradient.
    /// - Precondition: there is one; always, of a layer with one result.
    public var outputGradient: UnsafePointer<T> {
        guard let gradient = outputGradients[0] else {
            preconditionFailure("the first result has no gradient")
        }
        return gradient
    }
    /// What forward kept.
    public var kept: UnsafePointer<T> { UnsafePointer(forward.kept) }
    /// The layer's scratch memory, if it asks for some.
    public var scratch: UnsafeMutablePointer<T> { forward.scratch }
}
