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
    /// The call's number in the graph: what tells the random numbers of two layers apart.
    public let node: Int
    public let inputShapes: [Shape]
    public let outputShape: Shape
    /// `inputs[i]`: (samples, inputShapes[i]…)
    public let inputs: [UnsafePointer<T>]
    /// In the order of `Layer.weights(for:)`.
    public let weights: [UnsafePointer<T>]
    /// (samples, outputShape…); overwritten.
    public let output: UnsafeMutablePointer<T>

    public init(
        samples: Int, context: CallContext = CallContext(), node: Int = 0, inputShapes: [Shape],
        outputShape: Shape, inputs: [UnsafePointer<T>], weights: [UnsafePointer<T>],
        output: UnsafeMutablePointer<T>
    ) {
        self.samples = samples
        self.context = context
        self.node = node
        self.inputShapes = inputShapes
        self.outputShape = outputShape
        self.inputs = inputs
        self.weights = weights
        self.output = output
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
    /// Memory for the call's own use, (samples, outputShape…), where the caller has some: a layer that needs
    /// it allocates it otherwise.
    public let scratch: UnsafeMutablePointer<T>?

    public init(
        forward: ForwardCall<T>, outputGradient: UnsafePointer<T>,
        inputGradients: [UnsafeMutablePointer<T>?], weightGradients: [UnsafeMutablePointer<T>?],
        scratch: UnsafeMutablePointer<T>? = nil
    ) {
        self.scratch = scratch
        self.forward = forward
        self.outputGradient = outputGradient
        self.inputGradients = inputGradients
        self.weightGradients = weightGradients
    }

    public var samples: Int { forward.samples }
}
