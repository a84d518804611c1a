import MIOBase
import MIOConfig

/// Long short-term memory. <https://keras.io/api/layers/recurrent_layers/lstm/>
///
/// Of each step's x (features,), from the state h, c (units,) before it, with the gates i, f, g, o side by side:
///
///     z = x · kernel + h · recurrent_kernel + bias
///     i, f, o = recurrent_activation(z);  g = activation(z)
///     c ← f · c + i · g;  h ← o · activation(c)
///
/// kernel (features, 4 · units), recurrent_kernel (units, 4 · units), bias (4 · units,). A step that a mask leaves out
/// changes no state and repeats the output before it, zeros if there was none. Dropout multiplies x, and recurrent dropout
/// h, by factors that hold for all steps; with recurrent dropout each gate has factors of its own, as in Keras.
public struct LSTM: RecurrentLayer {
    public static var className: String { "LSTM" }
    public static var stateCount: Int { 2 }
    public static var kerasArguments: [KerasArgument] {
        [
            .at(false, named: "stateful", advice: "every sample begins with its initial state"),
            .at(false, true, named: "unroll"), .at("auto", true, false, named: "use_cudnn"),
            .at(1, 2, named: "implementation"),
        ]
    }

    /// The name, and whether the weights are trained.
    public private(set) var attributes: LayerAttributes
    /// The length of the last axis of the result.
    public let units: Int
    /// What ends the layer.
    public let activation: Activation
    /// Of the gates.
    public let recurrentActivation: Activation
    /// Whether there is a bias.
    public let useBias: Bool
    /// The first values of the kernel.
    public let kernelInitializer: Initializer
    /// The first values of the recurrent kernel.
    public let recurrentInitializer: Initializer
    /// The first values of the bias.
    public let biasInitializer: Initializer
    package let kernelRules: WeightRules
    package let recurrentRules: WeightRules
    package let biasRules: WeightRules
    /// Whether the forget gate's bias begins at 1.
    public let unitForgetBias: Bool
    /// The fraction of a step's x that is dropped in training.
    public let dropout: Double
    /// The fraction of h that is dropped in training.
    public let recurrentDropout: Double
    /// Added to the job's seed.
    public let seed: Int
    /// Whether it gives the output of every step, and not the last one alone.
    public let returnSequences: Bool
    /// Whether the last h and c are results too.
    public let returnState: Bool
    public private(set) var goBackwards: Bool
    /// Whether a step that a mask leaves out puts out zeros.
    public private(set) var zeroOutputForMask: Bool

    /// Keras' arguments, with its defaults.
    public init(
        _ units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid,
        useBias: Bool = true, kernelInitializer: Initializer = .glorotUniform,
        recurrentInitializer: Initializer = .orthogonal(gain: 1), biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, recurrentRegularizer: (any Regularizer)? = nil,
        biasRegularizer: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil,
        recurrentConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        unitForgetBias: Bool = true, dropout: Double = 0, recurrentDropout: Double = 0, seed: Int = 0,
        returnSequences: Bool = false, returnState: Bool = false, goBackwards: Bool = false,
        zeroOutputForMask: Bool = false, name: String? = nil, trainable: Bool = true
    ) {
        precondition(units >= 1, "LSTM needs at least one unit, not \(units)")
        for rate in [dropout, recurrentDropout] {
            precondition((0...1).contains(rate), "a dropout rate lies from 0 to 1, not at \(rate)")
        }
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.units = units
        self.activation = activation
        self.recurrentActivation = recurrentActivation
        self.useBias = useBias
        self.kernelInitializer = kernelInitializer
        self.recurrentInitializer = recurrentInitializer
        self.biasInitializer = biasInitializer
        kernelRules = WeightRules(regularizer: kernelRegularizer, constraint: kernelConstraint)
        recurrentRules = WeightRules(regularizer: recurrentRegularizer, constraint: recurrentConstraint)
        biasRules = WeightRules(regularizer: biasRegularizer, constraint: biasConstraint)
        self.unitForgetBias = unitForgetBias
        self.dropout = dropout
        self.recurrentDropout = recurrentDropout
        self.seed = seed
        self.returnSequences = returnSequences
        self.returnState = returnState
        self.goBackwards = goBackwards
        self.zeroOutputForMask = zeroOutputForMask
    }

    public func copy(name: String, goBackwards: Bool, zeroOutputForMask: Bool) -> LSTM {
        var copy = self
        copy.attributes = LayerAttributes(name: name, trainable: attributes.trainable)
        copy.goBackwards = goBackwards
        copy.zeroOutputForMask = zeroOutputForMask
        return copy
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        returnSequences = try config.boolean("return_sequences", default: false)
        returnState = try config.boolean("return_state", default: false)
        goBackwards = try config.boolean("go_backwards", default: false)
        zeroOutputForMask = try config.boolean("zero_output_for_mask", default: false)
        units = try config.integer("units", atLeast: 1, atMost: Self.largestArgument / 4)
        activation = try config.activation("activation", default: .tanh)
        recurrentActivation = try config.activation("recurrent_activation", default: .sigmoid)
        useBias = try config.boolean("use_bias", default: true)
        kernelInitializer = try Initializer(
            reading: "kernel_initializer", from: &config, default: .glorotUniform)
        recurrentInitializer = try Initializer(
            reading: "recurrent_initializer", from: &config, default: .orthogonal(gain: 1))
        biasInitializer = try Initializer(reading: "bias_initializer", from: &config, default: .zeros)
        kernelRules = try WeightRules(of: "kernel", reading: &config)
        recurrentRules = try WeightRules(of: "recurrent", reading: &config)
        biasRules = try WeightRules(of: "bias", reading: &config)
        unitForgetBias = try config.boolean("unit_forget_bias", default: true)
        dropout = try config.real("dropout", default: 0, in: 0...1)
        recurrentDropout = try config.real("recurrent_dropout", default: 0, in: 0...1)
        seed = try config.optionalInteger("seed") ?? 0
    }

    public var config: ConfigDictionary {
        let arguments: ConfigDictionary = [
            "return_sequences": .boolean(returnSequences), "return_state": .boolean(returnState),
            "go_backwards": .boolean(goBackwards), "zero_output_for_mask": .boolean(zeroOutputForMask),
            "units": .integer(units), "activation": activation.config,
            "recurrent_activation": recurrentActivation.config, "use_bias": .boolean(useBias),
            "kernel_initializer": kernelInitializer.config,
            "recurrent_initializer": recurrentInitializer.config, "bias_initializer": biasInitializer.config,
            "unit_forget_bias": .boolean(unitForgetBias), "dropout": .real(dropout),
            "recurrent_dropout": .real(recurrentDropout), "seed": .integer(seed),
        ]
        return arguments.with(("kernel", kernelRules), ("recurrent", recurrentRules), ("bias", biasRules))
    }

    /// Keras keeps them in a cell, whose name is part of their paths.
    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        let kernel = WeightDescription(
            name: "lstm_cell/kernel", shape: [inputs[0].last, 4 * units], initializer: kernelInitializer,
            rules: kernelRules)
        let recurrent = WeightDescription(
            name: "lstm_cell/recurrent_kernel", shape: [units, 4 * units], initializer: recurrentInitializer,
            rules: recurrentRules)
        // Keras draws it in parts as long as a gate.
        let bias = WeightDescription(
            name: "lstm_cell/bias", shape: [4 * units],
            initializer: unitForgetBias ? .forgetGateOnes(biasInitializer) : biasInitializer,
            fanIn: unitForgetBias ? units : 4 * units, fanOut: unitForgetBias ? units : 4 * units,
            rules: biasRules)
        return useBias ? [kernel, recurrent, bias] : [kernel, recurrent]
    }

    /// All of them stand with the sequence.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        guard input == 0 else { return LayerFlops(0) }
        let elements = inputs[0].last.clampedTimes(1) + units
        return LayerFlops(inputs[0][0].clampedTimes(8 * units).clampedTimes(elements))
    }
}
