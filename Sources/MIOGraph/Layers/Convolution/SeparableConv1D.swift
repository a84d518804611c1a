import MIOBase
import MIOConfig

/// 1-D cross-correlation of each channel by itself, then one of a single step over all channels, bias and activation.
/// <https://keras.io/api/layers/convolution_layers/separable_convolution1d/>
///
/// x (steps, channels) → y (steps′, filters); depthwise kernel (kernel size, channels, depth multiplier), pointwise kernel
/// (1, channels · depth multiplier, filters), bias (filters,).
public struct SeparableConv1D: SeparableLayer {
    public static var className: String { "SeparableConv1D" }
    /// Keras 2 writes it.
    public static var kerasArguments: [KerasArgument] { [.at(1, named: "groups")] }
    package static let spatialAxes = 1
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    package var separated: SeparableArguments

    /// Keras' arguments, with its defaults.
    public init(
        _ filters: Int, kernelSize: Int, strides: Int = 1, padding: Padding = .valid,
        dataFormat: DataFormat = .channelsLast, dilationRate: Int = 1, depthMultiplier: Int = 1,
        activation: Activation = .linear, useBias: Bool = true,
        depthwiseInitializer: Initializer = .glorotUniform,
        pointwiseInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        depthwiseRegularizer: (any Regularizer)? = nil, pointwiseRegularizer: (any Regularizer)? = nil,
        biasRegularizer: (any Regularizer)? = nil, depthwiseConstraint: (any Constraint)? = nil,
        pointwiseConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        attributes = LayerAttributes(name: name, trainable: trainable)
        separated = SeparableArguments(
            filters: filters, kernelSize: [kernelSize], strides: [strides], padding: padding,
            dataFormat: dataFormat, dilationRate: [dilationRate], depthMultiplier: depthMultiplier,
            activation: activation, useBias: useBias,
            depthwise: (
                depthwiseInitializer,
                WeightRules(regularizer: depthwiseRegularizer, constraint: depthwiseConstraint)
            ),
            pointwise: (
                pointwiseInitializer,
                WeightRules(regularizer: pointwiseRegularizer, constraint: pointwiseConstraint)
            ),
            bias: (biasInitializer, WeightRules(regularizer: biasRegularizer, constraint: biasConstraint)))
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        separated = try SeparableArguments(spatialAxes: 1, from: &config)
    }
}
