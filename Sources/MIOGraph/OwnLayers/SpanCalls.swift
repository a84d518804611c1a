import MIOBase

/// The tensors of one call of a `SpanLayer`: spans of the plan's memory, which live as long as the call.
public struct SpanForward: ~Copyable {
    fileprivate let call: ForwardCall<Float>
    fileprivate let counts: CallCounts

    init(_ call: ForwardCall<Float>, counts: CallCounts) {
        self.call = call
        self.counts = counts
    }

    /// The samples of the call.
    public var samples: Int { call.samples }
    /// Whether this is a training step, its seed and number, and where its samples are in the global batch.
    package var context: CallContext { call.context }
    /// Random numbers that belong to this call.
    package var streams: RandomStreams { call.streams }
    /// Of one sample of each input.
    public var inputShapes: [Shape] { call.inputShapes }
    /// Of one sample of the result.
    public var outputShape: Shape { call.outputShape }

    /// (samples, inputShapes[index]…)
    @_lifetime(borrow self)
    public func input(_ index: Int) -> Span<Float> {
        span(call.inputs[index], call.samples * call.inputShapes[index].count)
    }

    /// In the order of `SpanLayer.weights(for:)`, in Keras' order of elements.
    @_lifetime(borrow self)
    public func weight(_ index: Int) -> Span<Float> { span(call.weights[index], counts.weights[index]) }

    /// (samples, outputShape…). In `forward` it holds anything at first; in `backward` it is the result, if the layer's
    /// memory says that backward reads it.
    public var output: MutableSpan<Float> {
        @_lifetime(borrow self) get { mutableSpan(call.output, call.samples * call.outputShape.count) }
    }

    /// (samples, `LayerMemory.kept`): written by forward, read by backward.
    public var kept: MutableSpan<Float> {
        @_lifetime(borrow self) get {
            counts.kept == 0
                ? _overrideLifetime(MutableSpan(), borrowing: self)
                : mutableSpan(call.kept, call.samples * counts.kept)
        }
    }

    /// (samples, `LayerMemory.scratch`): it holds anything at first.
    public var scratch: MutableSpan<Float> {
        @_lifetime(borrow self) get {
            counts.scratch == 0
                ? _overrideLifetime(MutableSpan(), borrowing: self)
                : mutableSpan(call.scratch, call.samples * counts.scratch)
        }
    }

    @_lifetime(borrow self)
    fileprivate func span(_ start: UnsafePointer<Float>, _ count: Int) -> Span<Float> {
        _overrideLifetime(UnsafeBufferPointer(start: start, count: count).span, borrowing: self)
    }

    @_lifetime(borrow self)
    fileprivate func mutableSpan(_ start: UnsafeMutablePointer<Float>, _ count: Int) -> MutableSpan<Float> {
        _overrideLifetime(UnsafeMutableBufferPointer(start: start, count: count).mutableSpan, borrowing: self)
    }
}

/// The tensors of one call's backward: those of its forward, and their gradients.
public struct SpanBackward: ~Copyable {
    /// The call itself: inputs, weights, output, kept and scratch memory.
    public let forward: SpanForward
    private let call: BackwardCall<Float>

    init(_ call: BackwardCall<Float>, forward: consuming SpanForward) {
        self.call = call
        self.forward = forward
    }

    /// The samples of the call.
    public var samples: Int { forward.samples }

    /// (samples, outputShape…): what comes back from the result's consumers.
    public var outputGradient: Span<Float> {
        @_lifetime(borrow self) get {
            _overrideLifetime(
                forward.span(call.outputGradient, samples * forward.outputShape.count), borrowing: self)
        }
    }

    /// Shaped as the input; add to it. `nil` if nobody needs it.
    @_lifetime(borrow self)
    public func inputGradient(_ index: Int) -> MutableSpan<Float>? {
        guard let gradient = call.inputGradients[index] else { return nil }
        return _overrideLifetime(
            forward.mutableSpan(gradient, samples * forward.inputShapes[index].count), borrowing: self)
    }

    /// Shaped as the weight; add to it. `nil` if the weight is not trained.
    @_lifetime(borrow self)
    public func weightGradient(_ index: Int) -> MutableSpan<Float>? {
        guard let gradient = call.weightGradients[index] else { return nil }
        return _overrideLifetime(
            forward.mutableSpan(gradient, forward.counts.weights[index]), borrowing: self)
    }
}
