import MIOBase
import MIOConfig

/// A `SpanLayer` as a layer that a plan can call.
struct OwnLayer<Own: SpanLayer>: Layer {
    static var className: String { Own.className }
    let attributes: LayerAttributes
    private let own: Own

    init(_ own: Own, attributes: LayerAttributes) {
        self.own = own
        self.attributes = attributes
    }

    init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.init(try Own(config: &config), attributes: attributes)
    }

    var config: ConfigDictionary { own.config }
    func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape { try own.outputShape(for: inputs) }
    func weights(for inputs: [Shape]) -> [WeightDescription] { own.weights(for: inputs) }
    func memory(for inputs: [Shape], output: Shape) -> LayerMemory { own.memory(for: inputs, output: output) }
    func maskRule(ofResult result: Int) -> MaskRule { own.maskRule }

    func forward<T: Scalar>(_ call: ForwardCall<T>) {
        precondition(T.self == Float.self, Self.precision)
        own.forward(spans(unsafeBitCast(call, to: ForwardCall<Float>.self)))
    }

    func backward<T: Scalar>(_ call: BackwardCall<T>) {
        precondition(T.self == Float.self, Self.precision)
        let call = unsafeBitCast(call, to: BackwardCall<Float>.self)
        own.backward(SpanBackward(call, forward: spans(call.forward)))
    }

    private static var precision: String { "a SpanLayer computes in float32, as plans do" }

    /// Whoever makes a call once for many steps tells the counts; otherwise the layer is asked.
    private func spans(_ call: ForwardCall<Float>) -> SpanForward {
        if let counts = call.counts { return SpanForward(call, counts: counts) }
        return SpanForward(
            call, counts: CallCounts(self, inputShapes: call.inputShapes, outputShape: call.outputShape))
    }
}
