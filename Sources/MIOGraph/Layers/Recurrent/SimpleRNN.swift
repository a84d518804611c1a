import MIOBase
import MIOConfig

/// A recurrent layer without gates. <https://keras.io/api/layers/recurrent_layers/simple_rnn/>
///
/// Of each step's x (features,), from the state h (units,) before it:
///
///     h ← activation(x · kernel + h · recurrent_kernel + bias)
///
/// kernel (features, units), recurrent_kernel (units, units), bias (units,). Masks and dropout as in `LSTM`.
public struct SimpleRNN: OneStateLayer {
    public static var className: String { "SimpleRNN" }
    package static var gateCount: Int { 1 }
    package static var cellName: String { "simple_rnn_cell" }

    /// The name, and whether the weights are trained.
    public private(set) var attributes: LayerAttributes
    package private(set) var options: RecurrentOptions

    /// Keras' arguments, with its defaults.
    public init(
        _ units: Int, activation: Activation = .tanh, useBias: Bool = true,
        kernelInitializer: Initializer = .glorotUniform,
        recurrentInitializer: Initializer = .orthogonal(gain: 1), biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, recurrentRegularizer: (any Regularizer)? = nil,
        biasRegularizer: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil,
        recurrentConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        dropout: Double = 0, recurrentDropout: Double = 0, seed: Int = 0, returnSequences: Bool = false,
        returnState: Bool = false, goBackwards: Bool = false, zeroOutputForMask: Bool = false,
        name: String? = nil, trainable: Bool = true
    ) {
        attributes = LayerAttributes(name: name, trainable: trainable)
        options = RecurrentOptions(
            units: units, activation: activation, useBias: useBias,
            initializers: (kernelInitializer, recurrentInitializer, biasInitializer),
            regularizers: (kernelRegularizer, recurrentRegularizer, biasRegularizer),
            constraints: (kernelConstraint, recurrentConstraint, biasConstraint), dropout: dropout,
            recurrentDropout: recurrentDropout, seed: seed, returnSequences: returnSequences,
            returnState: returnState, goBackwards: goBackwards, zeroOutputForMask: zeroOutputForMask)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        options = try RecurrentOptions(reading: &config, gates: Self.gateCount)
    }

    public var config: ConfigDictionary { options.config() }

    public func copy(name: String, goBackwards: Bool, zeroOutputForMask: Bool) -> SimpleRNN {
        var copy = self
        copy.attributes = LayerAttributes(name: name, trainable: attributes.trainable)
        copy.options = options.going(backwards: goBackwards, zeroOutputForMask: zeroOutputForMask)
        return copy
    }

    // MARK: One step

    package var biasShape: Shape { [units] }
    /// The argument of the activation, where its gradient needs it.
    package var keptPerStep: Int { options.activation.gradientReadsArgument ? 2 : 1 }
    /// The gradient by the argument, and by the state after the step.
    package var scratchPerStep: Int { 2 }

    @inline(__always)
    package func step<T: Scalar>(_ step: RecurrentStep<T>, to next: UnsafeMutablePointer<T>) {
        let product = GateProduct(width: units, units: units)
        if options.useBias {
            next.update(from: step.weights[2], count: units)
        } else {
            next.update(repeating: 0, count: units)
        }
        product.add(step.x, step.features, step.inputFactors(0), step.weights[0], to: next)
        product.add(step.h, units, step.stateFactors(0, units: units), step.weights[1], to: next)
        if keptPerStep == 2 { (step.kept + units).update(from: next, count: units) }
        options.activation.apply(next, rows: 1, width: units)
        step.kept.update(from: next, count: units)
    }

    @inline(__always)
    package func stepBack<T: Scalar>(
        _ step: RecurrentStep<T>, _ gradients: RecurrentGradients<T>, dh: UnsafeMutablePointer<T>,
        scratch: UnsafeMutablePointer<T>
    ) {
        let (dz, after) = (scratch, scratch + units)
        after.update(from: dh, count: units)
        dz.update(repeating: 0, count: units)
        options.activation.addGradient(
            argument: keptPerStep == 2 ? UnsafePointer(step.kept + units) : nil,
            result: UnsafePointer(step.kept), gradient: UnsafePointer(after), to: dz, rows: 1, width: units)
        dh.update(repeating: 0, count: units)
        if options.useBias, let bias = gradients.weights[2] {
            for unit in 0..<units { bias[unit] += dz[unit] }
        }
        let product = GateProduct(width: units, units: units)
        product.addGradients(
            of: dz, step.x, step.features, step.inputFactors(0), step.weights[0], to: gradients.x,
            gradients.weights[0])
        product.addGradients(
            of: dz, step.h, units, step.stateFactors(0, units: units), step.weights[1], to: dh,
            gradients.weights[1])
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) { forwardAll(call) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) { backwardAll(call) }
}
