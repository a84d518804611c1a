import MIOBase
import MIOConfig

/// The transpose of a 2-D cross-correlation, as its input's gradient is, then bias and activation.
/// <https://keras.io/api/layers/convolution_layers/convolution2d_transpose/>
///
/// x (height, width, channels) → y (height′, width′, filters); kernel (kernel height, kernel width, filters, channels), bias
/// (filters,). Without `outputPadding` height′ is height · strides where padding is same, else (height − 1) · strides +
/// max(kernel height, strides).
public struct Conv2DTranspose: ConvolutionLayer {
    public static var className: String { "Conv2DTranspose" }
    /// Keras 2 writes it.
    public static var kerasArguments: [KerasArgument] { [.at(1, named: "groups")] }
    package static let spatialAxes = 2
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    package var arguments: ConvolutionArguments

    /// Keras' arguments, with its defaults.
    public init(
        _ filters: Int, kernelSize: [Int], strides: [Int] = [1, 1], padding: Padding = .valid,
        outputPadding: [Int]? = nil, dataFormat: DataFormat = .channelsLast, dilationRate: [Int] = [1, 1],
        activation: Activation = .linear, useBias: Bool = true,
        kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        attributes = LayerAttributes(name: name, trainable: trainable)
        arguments = ConvolutionArguments(
            .transposed, filters: filters, kernelSize: kernelSize, strides: strides,
            dilationRate: dilationRate, outputPadding: outputPadding, padding: WindowPadding(padding),
            dataFormat: dataFormat,
            activation: activation, useBias: useBias,
            kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
            kernelRules: WeightRules(regularizer: kernelRegularizer, constraint: kernelConstraint),
            biasRules: WeightRules(regularizer: biasRegularizer, constraint: biasConstraint))
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        arguments = try ConvolutionArguments(.transposed, spatialAxes: 2, from: &config)
    }
}
