import MIOBase
import MIOConfig

/// The arguments that recurrent layers have in common, under Keras' names.
package struct RecurrentOptions: Sendable {
    package let units: Int
    package let activation: Activation
    package let useBias: Bool
    package let kernelInitializer: Initializer
    package let recurrentInitializer: Initializer
    package let biasInitializer: Initializer
    package let kernelRules: WeightRules
    package let recurrentRules: WeightRules
    package let biasRules: WeightRules
    package let dropout: Double
    package let recurrentDropout: Double
    /// Added to the job's seed.
    package let seed: Int
    package let returnSequences: Bool
    package let returnState: Bool
    package private(set) var goBackwards: Bool
    package private(set) var zeroOutputForMask: Bool

    /// Arguments of Keras that mio takes only at the values at which they change nothing.
    static let kerasArguments: [KerasArgument] = [
        .at(false, named: "stateful", advice: "every sample begins with its initial state"),
        .at(false, true, named: "unroll"),
    ]

    /// - Precondition: there is a unit; rates are from 0 to 1.
    init(
        units: Int, activation: Activation, useBias: Bool,
        initializers: (Initializer, Initializer, Initializer),
        regularizers: ((any Regularizer)?, (any Regularizer)?, (any Regularizer)?),
        constraints: ((any Constraint)?, (any Constraint)?, (any Constraint)?), dropout: Double,
        recurrentDropout: Double, seed: Int, returnSequences: Bool, returnState: Bool, goBackwards: Bool,
        zeroOutputForMask: Bool
    ) {
        precondition(units >= 1, "a recurrent layer needs at least one unit, not \(units)")
        for rate in [dropout, recurrentDropout] {
            precondition((0...1).contains(rate), "a dropout rate lies from 0 to 1, not at \(rate)")
        }
        self.units = units
        self.activation = activation
        self.useBias = useBias
        (kernelInitializer, recurrentInitializer, biasInitializer) = initializers
        kernelRules = WeightRules(regularizer: regularizers.0, constraint: constraints.0)
        recurrentRules = WeightRules(regularizer: regularizers.1, constraint: constraints.1)
        biasRules = WeightRules(regularizer: regularizers.2, constraint: constraints.2)
        self.dropout = dropout
        self.recurrentDropout = recurrentDropout
        self.seed = seed
        self.returnSequences = returnSequences
        self.returnState = returnState
        self.goBackwards = goBackwards
        self.zeroOutputForMask = zeroOutputForMask
    }

    /// - Parameter gates: of the layer; the rows of its kernels are that many times the units.
    init(reading config: inout ConfigReader, gates: Int) throws(ConfigError) {
        returnSequences = try config.boolean("return_sequences", default: false)
        returnState = try config.boolean("return_state", default: false)
        goBackwards = try config.boolean("go_backwards", default: false)
        zeroOutputForMask = try config.boolean("zero_output_for_mask", default: false)
        units = try config.integer("units", atLeast: 1, atMost: GRU.largestArgument / gates)
        activation = try config.activation("activation", default: .tanh)
        useBias = try config.boolean("use_bias", default: true)
        kernelInitializer = try Initializer(
            reading: "kernel_initializer", from: &config, default: .glorotUniform)
        recurrentInitializer = try Initializer(
            reading: "recurrent_initializer", from: &config, default: .orthogonal(gain: 1))
        biasInitializer = try Initializer(reading: "bias_initializer", from: &config, default: .zeros)
        kernelRules = try WeightRules(of: "kernel", reading: &config)
        recurrentRules = try WeightRules(of: "recurrent", reading: &config)
        biasRules = try WeightRules(of: "bias", reading: &config)
        dropout = try config.real("dropout", default: 0, in: 0...1)
        recurrentDropout = try config.real("recurrent_dropout", default: 0, in: 0...1)
        seed = try config.optionalInteger("seed") ?? 0
    }

    /// As a configuration has them, with a layer's own.
    func config(with own: ConfigDictionary = [:]) -> ConfigDictionary {
        var arguments: ConfigDictionary = [
            "return_sequences": .boolean(returnSequences), "return_state": .boolean(returnState),
            "go_backwards": .boolean(goBackwards), "zero_output_for_mask": .boolean(zeroOutputForMask),
            "units": .integer(units), "activation": activation.config,
            "use_bias": .boolean(useBias), "kernel_initializer": kernelInitializer.config,
            "recurrent_initializer": recurrentInitializer.config, "bias_initializer": biasInitializer.config,
            "dropout": .real(dropout), "recurrent_dropout": .real(recurrentDropout), "seed": .integer(seed),
        ]
        for (key, value) in own.entries { arguments[key] = value }
        return arguments.with(("kernel", kernelRules), ("recurrent", recurrentRules), ("bias", biasRules))
    }

    func going(backwards: Bool, zeroOutputForMask: Bool) -> RecurrentOptions {
        var copy = self
        copy.goBackwards = backwards
        copy.zeroOutputForMask = zeroOutputForMask
        return copy
    }

    // MARK: Dropout

    var inputDropout: DropoutFactors { DropoutFactors(rate: dropout) }
    var stateDropout: DropoutFactors { DropoutFactors(rate: recurrentDropout) }

    /// Sets of factors of x. Keras draws them for each gate where it drops states, and one set for all gates else.
    package func inputSets(gates: Int) -> Int {
        inputDropout.drops ? (recurrentDropout > 0 ? gates : 1) : 0
    }

    /// Sets of factors of h.
    package func stateSets(gates: Int) -> Int { stateDropout.drops ? gates : 0 }

    /// Writes the factors of one sample's x: `inputSets` times (features,); and of its h: `stateSets` times (units,). Each set has
    /// a stream of its own.
    /// - Parameters:
    ///   - inputStride: elements from one set of x to the next.
    ///   - stateStride: the same of h.
    @_specialize(exported:true,where T == Float)
    @_specialize(exported:true,where T == Double)
    package func drawFactors<T: Scalar>(
        _ context: CallContext, _ streams: RandomStreams, sample: Int, gates: Int, features: Int,
        inputStride: Int, stateStride: Int, ofInput: UnsafeMutablePointer<T>,
        ofState: UnsafeMutablePointer<T>
    ) {
        for set in 0..<inputSets(gates: gates) {
            draw(
                dropout, set, context, streams, sample: sample, count: features,
                to: ofInput + set * inputStride)
        }
        for set in 0..<stateSets(gates: gates) {
            draw(
                recurrentDropout, gates + set, context, streams, sample: sample, count: units,
                to: ofState + set * stateStride)
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    private func draw<T: Scalar>(
        _ rate: Double, _ stream: Int, _ context: CallContext, _ streams: RandomStreams, sample: Int,
        count: Int, to target: UnsafeMutablePointer<T>
    ) {
        DropoutFactors(rate: rate).draw(
            streams.philox(stream, seed: context.seed &+ UInt64(bitPattern: Int64(seed))), step: context.step,
            position: context.firstSample + sample, count: count, to: target)
    }
}
