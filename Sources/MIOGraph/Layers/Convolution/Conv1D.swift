import MIOBase
import MIOConfig

/// 1-D cross-correlation, then bias and activation.
/// <https://keras.io/api/layers/convolution_layers/convolution1d/>
///
/// x (steps, channels) → y (steps′, filters); kernel (kernel size, channels / groups, filters), bias (filters,).
public struct Conv1D: ConvolutionLayer {
    public static var className: String { "Conv1D" }
    package static let spatialAxes = 1
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    package var arguments: ConvolutionArguments

    /// Keras' arguments, with its defaults.
    public init(
        _ filters: Int, kernelSize: Int, strides: Int = 1, padding: SequencePadding = .valid,
        dataFormat: DataFormat = .channelsLast, dilationRate: Int = 1, groups: Int = 1,
        activation: Activation = .linear, useBias: Bool = true,
        kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        attributes = LayerAttributes(name: name, trainable: trainable)
        arguments = ConvolutionArguments(
            .usual, filters: filters, groups: groups, kernelSize: [kernelSize], strides: [strides],
            dilationRate: [dilationRate], padding: WindowPadding(padding), dataFormat: dataFormat,
            activation: activation, useBias: useBias,
            kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
            kernelRules: WeightRules(regularizer: kernelRegularizer, constraint: kernelConstraint),
            biasRules: WeightRules(regularizer: biasRegularizer, constraint: biasConstraint))
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        arguments = try ConvolutionArguments(.usual, spatialAxes: 1, isCausal: true, from: &config)
    }

    /// A part of another layer.
    init(attributes: LayerAttributes, arguments: ConvolutionArguments) {
        self.attributes = attributes
        self.arguments = arguments
    }
}
