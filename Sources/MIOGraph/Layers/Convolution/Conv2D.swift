import MIOBase
import MIOConfig

/// 2-D cross-correlation, then bias and activation.
/// <https://keras.io/api/layers/convolution_layers/convolution2d/>
///
/// x (height, width, channels) → y (height′, width′, filters);
/// kernel (kernel height, kernel width, channels / groups, filters), bias (filters,).
public struct Conv2D: ConvolutionLayer {
    public static var className: String { "Conv2D" }
    package static let spatialAxes = 2
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    package var arguments: ConvolutionArguments

    /// A square kernel.
    public init(
        _ filters: Int, kernelSize: Int, strides: Int = 1, padding: Padding = .valid,
        dataFormat: DataFormat = .channelsLast, dilationRate: Int = 1, groups: Int = 1,
        activation: Activation = .linear, useBias: Bool = true,
        kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        self.init(
            filters, kernelSize: [kernelSize, kernelSize], strides: [strides, strides], padding: padding,
            dataFormat: dataFormat, dilationRate: [dilationRate, dilationRate], groups: groups,
            activation: activation, useBias: useBias, kernelInitializer: kernelInitializer,
            biasInitializer: biasInitializer, kernelRegularizer: kernelRegularizer,
            biasRegularizer: biasRegularizer, kernelConstraint: kernelConstraint,
            biasConstraint: biasConstraint, name: name, trainable: trainable)
    }

    /// Keras' arguments, with its defaults.
    /// - Precondition: kernel size, strides and dilation rate are two positive numbers each: height and width.
    public init(
        _ filters: Int, kernelSize: [Int], strides: [Int] = [1, 1], padding: Padding = .valid,
        dataFormat: DataFormat = .channelsLast, dilationRate: [Int] = [1, 1], groups: Int = 1,
        activation: Activation = .linear, useBias: Bool = true,
        kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        attributes = LayerAttributes(name: name, trainable: trainable)
        arguments = ConvolutionArguments(
            .usual, filters: filters, groups: groups, kernelSize: kernelSize, strides: strides,
            dilationRate: dilationRate, padding: WindowPadding(padding), dataFormat: dataFormat,
            activation: activation, useBias: useBias,
            kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
            kernelRules: WeightRules(regularizer: kernelRegularizer, constraint: kernelConstraint),
            biasRules: WeightRules(regularizer: biasRegularizer, constraint: biasConstraint))
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        arguments = try ConvolutionArguments(.usual, spatialAxes: 2, from: &config)
    }

    /// A part of another layer.
    init(attributes: LayerAttributes, arguments: ConvolutionArguments) {
        self.attributes = attributes
        self.arguments = arguments
    }
}
