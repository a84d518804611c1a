import MIOBase
import MIOConfig

/// y = activation(x · kernel + bias) over the last axis. <https://keras.io/api/layers/core_layers/dense/>
///
/// x (…, in) → y (…, units); kernel (in, units), bias (units,).
public struct Dense: Layer {
    public static var className: String { "Dense" }
    public static var kerasArguments: [KerasArgument] { .ofDense }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The length of the last axis of the result.
    public let units: Int
    /// What ends the layer.
    public var activation: Activation
    /// Whether there is a bias.
    public let useBias: Bool
    /// The first values of the kernel.
    public let kernelInitializer: Initializer
    /// The first values of the bias.
    public let biasInitializer: Initializer
    package let kernelRules: WeightRules
    package let biasRules: WeightRules

    /// Keras' arguments, with its defaults.
    public init(
        _ units: Int, activation: Activation = .linear, useBias: Bool = true,
        kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        precondition(units >= 1, "Dense needs at least one unit, not \(units)")
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.units = units
        self.activation = activation
        self.useBias = useBias
        self.kernelInitializer = kernelInitializer
        self.biasInitializer = biasInitializer
        kernelRules = WeightRules(regularizer: kernelRegularizer, constraint: kernelConstraint)
        biasRules = WeightRules(regularizer: biasRegularizer, constraint: biasConstraint)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        units = try config.integer("units", atLeast: 1, atMost: Self.largestArgument)
        activation = try Activation(reading: "activation", from: &config)
        useBias = try config.boolean("use_bias", default: true)
        kernelInitializer = try Initializer(
            reading: "kernel_initializer", from: &config, default: .glorotUniform)
        biasInitializer = try Initializer(reading: "bias_initializer", from: &config, default: .zeros)
        kernelRules = try WeightRules(of: "kernel", reading: &config)
        biasRules = try WeightRules(of: "bias", reading: &config)
    }

    public var config: ConfigDictionary {
        let arguments: ConfigDictionary = [
            "units": .integer(units), "activation": activation.config,
            "use_bias": .boolean(useBias), "kernel_initializer": kernelInitializer.config,
            "bias_initializer": biasInitializer.config,
        ]
        return arguments.with(("kernel", kernelRules), ("bias", biasRules))
    }

    public var outputActivation: Activation? { activation }

    public var withoutActivation: (any Layer)? {
        var linear = self
        linear.activation = .linear
        return linear
    }

    public var readingJoinedInputs: (any Layer)? { SegmentedDense(self) }

    /// Every input element meets every unit.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        LayerFlops(inputs[input].count.clampedTimes(2).clampedTimes(units))
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        .activated(by: activation, output: output)
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank >= 1 else {
            throw ShapeError(expected: "one tensor of at least one axis", received: inputs)
        }
        return Shape(inputs[0].dimensions.dropLast() + [units])
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        let kernel = WeightDescription(
            name: "kernel", shape: [inputs[0].last, units], initializer: kernelInitializer,
            fanIn: inputs[0].last, fanOut: units, rules: kernelRules)
        let bias = WeightDescription(
            name: "bias", vector: units, initializer: biasInitializer, rules: biasRules)
        return useBias ? [kernel, bias] : [kernel]
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let width = call.inputShapes[0].last
        let rows = call.samples * call.outputShape.count / units
        let (x, kernel, y) = (call.inputs[0], call.weights[0], call.output)
        for row in 0..<rows {
            for unit in 0..<units {
                var sum: T = useBias ? call.weights[1][unit] : 0
                for i in 0..<width { sum += x[row * width + i] * kernel[i * units + unit] }
                y[row * units + unit] = sum
            }
        }
        applyActivation(activation, call, rows: rows, width: units)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let width = call.forward.inputShapes[0].last
        let rows = call.samples * call.forward.outputShape.count / units
        let (x, kernel) = (call.forward.inputs[0], call.forward.weights[0])
        withActivationGradient(activation, call, rows: rows, width: units) { dz in
            for row in 0..<rows {
                for unit in 0..<units {
                    let gradient = dz[row * units + unit]
                    if useBias { call.weightGradients[1]?[unit] += gradient }
                    if let dx = call.inputGradients[0] {
                        for i in 0..<width { dx[row * width + i] += gradient * kernel[i * units + unit] }
                    }
                    if let dw = call.weightGradients[0] {
                        for i in 0..<width { dw[i * units + unit] += gradient * x[row * width + i] }
                    }
                }
            }
        }
    }
}
