import MIOBase
import MIOConfig

/// Masks the steps whose every feature is `maskValue`, and sets them to 0.
/// <https://keras.io/api/layers/core_layers/masking/>
///
/// Its input is one of the model's own, so that the masked steps are known before they are computed.
public struct Masking: Layer {
    public static var className: String { "Masking" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// What all elements of a masked step are.
    public let maskValue: Double

    /// Keras' arguments, with its defaults.
    public init(maskValue: Double = 0, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.maskValue = maskValue
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        maskValue = try config.real("mask_value", default: 0)
    }

    public var config: ConfigDictionary { ["mask_value": .real(maskValue)] }

    /// At least one axis, the features; unchanged.
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank > 0 else {
            throw ShapeError(expected: "one tensor (…, features)", received: inputs)
        }
        return inputs[0]
    }

    public func maskRule(ofResult result: Int) -> MaskRule {
        .made(value: Float(maskValue), overLastAxis: true)
    }

    /// Nothing but copies.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops { LayerFlops(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(backwardReadsInputs: true, backwardReadsOutput: false)
    }

    /// Whether a step counts.
    @inline(__always)
    private func counts<T: Scalar>(_ step: UnsafePointer<T>, _ features: Int) -> Bool {
        for feature in 0..<features where step[feature] != T(Float(maskValue)) { return true }
        return false
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let features = call.outputShape.last
        for start in stride(from: 0, to: call.samples * call.outputShape.count, by: max(features, 1)) {
            let (step, target) = (call.inputs[0] + start, call.output + start)
            if counts(step, features) {
                target.update(from: step, count: features)
            } else {
                target.update(repeating: 0, count: features)
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        let features = call.forward.outputShape.last
        for start in stride(from: 0, to: call.samples * call.forward.outputShape.count, by: max(features, 1))
        where counts(call.forward.inputs[0] + start, features) {
            for index in start..<start + features { dx[index] += call.outputGradient[index] }
        }
    }
}
