import MIOTensor

/// What a layer may know of a step besides its tensors.
public struct CallContext: Sendable {
    /// Whether this is a training step; Dropout does nothing otherwise.
    public var training: Bool
    public var seed: UInt64
    /// The number of optimizer steps before this one.
    public var step: UInt64
    /// The position in the global batch of the call's first sample, whichever rank computes it.
    public var firstSample: Int

    public init(training: Bool = false, seed: UInt64 = 0, step: UInt64 = 0, firstSample: Int = 0) {
        self.training = training
        self.seed = seed
        self.step = step
        self.firstSample = firstSample
    }
}

/// The tensors of one call of a layer on `samples` samples, batch outermost, each in canonical order.
public struct ForwardCall<T: Scalar> {
    public var samples: Int
    public var context: CallContext
    public let streams: RandomStreams
    public let inputShapes: [Shape]
    public let outputShape: Shape
    /// `inputs[i]`: (samples, inputShapes[i]…)
    public let inputs: [UnsafePointer<T>]
    /// In the order of `Layer.weights(for:)`.
    public let weights: [UnsafePointer<T>]
    /// (samples, outputShape…); overwritten.
    public let output: UnsafeMutablePointer<T>
    private let keptMemory: UnsafeMutablePointer<T>?
    private let scratchMemory: UnsafeMutablePointer<T>?

    /// - Parameters:
    ///   - kept: (samples, `LayerMemory.kept`); `nil` if the layer asks for none.
    ///   - scratch: (samples, `LayerMemory.scratch`); `nil` if the layer asks for none.
    public init(
        samples: Int, context: CallContext = CallContext(), streams: RandomStreams = RandomStreams(path: ""),
        inputShapes: [Shape],
        outputShape: Shape, inputs: [UnsafePointer<T>], weights: [UnsafePointer<T>],
        output: UnsafeMutablePointer<T>, kept: UnsafeMutablePointer<T>? = nil,
        scratch: UnsafeMutablePointer<T>? = nil
    ) {
        keptMemory = kept
        scratchMemory = scratch
        self.samples = samples
        self.context = context
        self.streams = streams
        self.inputShapes = inputShapes
        self.outputShape = outputShape
        self.inputs = inputs
        self.weights = weights
        self.output = output
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
    public var forward: ForwardCall<T>
    /// (samples, outputShape…): what comes back from the call's consumers. Read only.
    public let outputGradient: UnsafePointer<T>
    /// Shaped as the inputs, added to; `nil` where nobody needs it.
    public let inputGradients: [UnsafeMutablePointer<T>?]
    /// Shaped as the weights, added to; `nil` where the weight is not trained.
    public let weightGradients: [UnsafeMutablePointer<T>?]

    public init(
        forward: ForwardCall<T>, outputGradient: UnsafePointer<T>,
        inputGradients: [UnsafeMutablePointer<T>?], weightGradients: [UnsafeMutablePointer<T>?]
    ) {
        self.forward = forward
        self.outputGradient = outputGradient
        self.inputGradients = inputGradients
        self.weightGradients = weightGradients
    }

    public var samples: Int { forward.samples }
    /// What forward kept.
    public var kept: UnsafePointer<T> { UnsafePointer(forward.kept) }
    public var scratch: UnsafeMutablePointer<T> { forward.scratch }
}
