import MIOBase
import MIOConfig

/// 1-D cross-correlation of each channel by itself, then bias and activation.
/// <https://keras.io/api/layers/convolution_layers/depthwise_convolution1d/>
///
/// x (steps, channels) → y (steps′, channels · depth multiplier), the results of a channel side by side; kernel (kernel size,
/// channels, depth multiplier), bias (channels · depth multiplier,).
public struct DepthwiseConv1D: ConvolutionLayer {
    public static var className: String { "DepthwiseConv1D" }
    /// Keras 2 writes it.
    public static var kerasArguments: [KerasArgument] { [.at(1, named: "groups")] }
    package static let spatialAxes = 1
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    package var arguments: ConvolutionArguments

    /// Keras' arguments, with its defaults.
    public init(
        kernelSize: Int, strides: Int = 1, padding: Padding = .valid, depthMultiplier: Int = 1,
        dataFormat: DataFormat = .channelsLast, dilationRate: Int = 1,
        activation: Activation = .linear, useBias: Bool = true,
        depthwiseInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        depthwiseRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        depthwiseConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        attributes = LayerAttributes(name: name, trainable: trainable)
        arguments = ConvolutionArguments(
            .depthwise, depthMultiplier: depthMultiplier, kernelSize: [kernelSize], strides: [strides],
            dilationRate: [dilationRate], padding: WindowPadding(padding), dataFormat: dataFormat,
            activation: activation, useBias: useBias,
            kernelInitializer: depthwiseInitializer, biasInitializer: biasInitializer,
            kernelRules: WeightRules(regularizer: depthwiseRegularizer, constraint: depthwiseConstraint),
            biasRules: WeightRules(regularizer: biasRegularizer, constraint: biasConstraint))
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        arguments = try ConvolutionArguments(.depthwise, spatialAxes: 1, from: &config)
    }

    /// A part of another layer.
    init(attributes: LayerAttributes, arguments: ConvolutionArguments) {
        self.attributes = attributes
        self.arguments = arguments
    }
}
