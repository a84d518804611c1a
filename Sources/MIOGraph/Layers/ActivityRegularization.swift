import MIOBase
import MIOConfig

/// Adds a term of its input to the loss, and passes the input on.
/// <https://keras.io/api/layers/regularization_layers/activity_regularization/>
///
/// The term is `l1 · Σ |x| + l2 · Σ x²` over a sample's elements, as a mean over the samples of the batch.
public struct ActivityRegularization: Layer {
    public static var className: String { "ActivityRegularization" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// What absolute values are multiplied by.
    public let l1: Double
    /// What squares are multiplied by.
    public let l2: Double

    /// Keras' arguments, with its defaults.
    /// - Precondition: neither factor is negative, both are finite.
    public init(l1: Double = 0, l2: Double = 0, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        let regularizer = L1L2(l1: l1, l2: l2)
        (self.l1, self.l2) = (regularizer.l1, regularizer.l2)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        l1 = try config.factor("l1", default: 0)
        l2 = try config.factor("l2", default: 0)
    }

    public var config: ConfigDictionary { ["l1": .real(l1), "l2": .real(l2)] }

    public var activityRegularizer: (any Regularizer)? { L1L2(l1: l1, l2: l2) }

    public var role: LayerRole { .alias }

    /// Any shape, unchanged.
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return inputs[0]
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) { copyForward(call) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) { copyBackward(call) }
}
