import MIOBase
import MIOConfig

/// The transpose of a 1-D cross-correlation, as its input's gradient is, then bias and activation.
/// <https://keras.io/api/layers/convolution_layers/convolution1d_transpose/>
///
/// x (steps, channels) → y (steps′, filters); kernel (kernel size, filters, channels), bias (filters,). Without
/// `outputPadding` steps′ is steps · strides where padding is same, else (steps − 1) · strides + max(kernel size, strides).
public struct Conv1DTranspose: ConvolutionLayer {
    public static var className: String { "Conv1DTranspose" }
    /// Keras 2 writes it.
    public static var kerasArguments: [KerasArgument] { [.at(1, named: "groups")] }
    package static let spatialAxes = 1
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    package var arguments: ConvolutionArguments

    /// Keras' arguments, with its defaults.
    public init(
        _ filters: Int, kernelSize: Int, strides: Int = 1, padding: Padding = .valid,
        outputPadding: Int? = nil, dataFormat: DataFormat = .channelsLast, dilationRate: Int = 1,
        activation: Activation = .linear, useBias: Bool = true,
        kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        attributes = LayerAttributes(name: name, trainable: trainable)
        arguments = ConvolutionArguments(
            .transposed, filters: filters, kernelSize: [kernelSize], strides: [strides],
            dilationRate: [dilationRate], outputPadding: outputPadding.map { [$0] },
            padding: WindowPadding(padding), dataFormat: dataFormat,
            activation: activation, useBias: useBias,
            kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
            kernelRules: WeightRules(regularizer: kernelRegularizer, constraint: kernelConstraint),
            biasRules: WeightRules(regularizer: biasRegularizer, constraint: biasConstraint))
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        arguments = try ConvolutionArguments(.transposed, spatialAxes: 1, from: &config)
    }
}
