import MIOBase
import MIOConfig

/// Gated recurrent units. <https://keras.io/api/layers/recurrent_layers/gru/>
///
/// Of each step's x (features,), from the state h (units,) before it, with the gates z, r and the candidate ĥ side by side
/// in the kernels:
///
///     z, r = recurrent_activation(x · kernel + h · recurrent_kernel + bias)
///     ĥ = activation(x · kernel + r · (h · recurrent_kernel + bias′) + bias)     reset_after, the default
///     ĥ = activation(x · kernel + (r · h) · recurrent_kernel + bias)             otherwise
///     h ← z · h + (1 − z) · ĥ
///
/// kernel (features, 3 · units), recurrent_kernel (units, 3 · units), bias (2, 3 · units) with `reset_after`, the second row
/// being that of the recurrent product; (3 · units,) otherwise. Masks and dropout as in `LSTM`.
public struct GRU: OneStateLayer {
    public static var className: String { "GRU" }
    package static var gateCount: Int { 3 }
    package static var cellName: String { "gru_cell" }
    public static var kerasArguments: [KerasArgument] {
        RecurrentOptions.kerasArguments + [
            .at("auto", true, false, named: "use_cudnn"), .at(1, 2, named: "implementation"),
        ]
    }

    /// The name, and whether the weights are trained.
    public private(set) var attributes: LayerAttributes
    package private(set) var options: RecurrentOptions
    /// Of the gates z and r.
    public let recurrentActivation: Activation
    /// Whether r multiplies the recurrent product, and not the state before it.
    public let resetAfter: Bool

    /// Keras' arguments, with its defaults.
    public init(
        _ units: Int, activation: Activation = .tanh, recurrentActivation: Activation = .sigmoid,
        useBias: Bool = true, kernelInitializer: Initializer = .glorotUniform,
        recurrentInitializer: Initializer = .orthogonal(gain: 1), biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, recurrentRegularizer: (any Regularizer)? = nil,
        biasRegularizer: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil,
        recurrentConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        dropout: Double = 0, recurrentDropout: Double = 0, seed: Int = 0, returnSequences: Bool = false,
        returnState: Bool = false, goBackwards: Bool = false, zeroOutputForMask: Bool = false,
        resetAfter: Bool = true, name: String? = nil, trainable: Bool = true
    ) {
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.recurrentActivation = recurrentActivation
        self.resetAfter = resetAfter
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
        recurrentActivation = try config.activation("recurrent_activation", default: .sigmoid)
        resetAfter = try config.boolean("reset_after", default: true)
    }

    public var config: ConfigDictionary {
        options.config(with: [
            "recurrent_activation": recurrentActivation.config,
            "reset_after": .boolean(resetAfter),
        ])
    }

    public func copy(name: String, goBackwards: Bool, zeroOutputForMask: Bool) -> GRU {
        var copy = self
        copy.attributes = LayerAttributes(name: name, trainable: attributes.trainable)
        copy.options = options.going(backwards: goBackwards, zeroOutputForMask: zeroOutputForMask)
        return copy
    }

    // MARK: One step

    package var biasShape: Shape { resetAfter ? [2, 3 * units] : [3 * units] }

    private var keepsArguments: Bool {
        options.activation.gradientReadsArgument || recurrentActivation.gradientReadsArgument
    }

    /// z, r, ĥ; the recurrent product of ĥ before r; the three before their activations.
    package var keptPerStep: Int { 4 + (keepsArguments ? 3 : 0) }
    /// The gradients by the three arguments, by the recurrent products, by z, r, ĥ, and by r · h.
    package var scratchPerStep: Int { 10 }

    @inline(__always)
    package func step<T: Scalar>(_ step: RecurrentStep<T>, to next: UnsafeMutablePointer<T>) {
        let width = 3 * units
        let product = GateProduct(width: width, units: units)
        let gates = step.kept
        let inner = gates + width
        if options.useBias {
            gates.update(from: step.weights[2], count: width)
        } else {
            gates.update(repeating: 0, count: width)
        }
        if options.useBias, resetAfter {
            let bias = step.weights[2] + width
            for i in 0..<2 * units { gates[i] += bias[i] }
            inner.update(from: bias + 2 * units, count: units)
        } else {
            inner.update(repeating: 0, count: units)
        }
        for gate in 0..<3 {
            product.add(
                step.x, step.features, step.inputFactors(gate), step.weights[0] + gate * units,
                to: gates + gate * units)
        }
        for gate in 0..<(resetAfter ? 3 : 2) {
            product.add(
                step.h, units, step.stateFactors(gate, units: units), step.weights[1] + gate * units,
                to: gate == 2 ? inner : gates + gate * units)
        }
        let arguments = keepsArguments ? inner + units : nil
        arguments?.update(from: gates, count: 2 * units)
        recurrentActivation.apply(gates, rows: 2, width: units)
        let (z, r, candidate) = (gates, gates + units, gates + 2 * units)
        if resetAfter {
            for unit in 0..<units { candidate[unit] += r[unit] * inner[unit] }
        } else {
            // r · h, for as long as the product takes.
            let factors = step.stateFactors(2, units: units)
            for unit in 0..<units { inner[unit] = r[unit] * step.h[unit] * (factors?[unit] ?? 1) }
            product.add(
                UnsafePointer(inner), units, nil, step.weights[1] + 2 * units, to: candidate)
        }
        arguments?.advanced(by: 2 * units).update(from: candidate, count: units)
        options.activation.apply(candidate, rows: 1, width: units)
        for unit in 0..<units { next[unit] = z[unit] * step.h[unit] + (1 - z[unit]) * candidate[unit] }
    }

    @inline(__always)
    package func stepBack<T: Scalar>(
        _ step: RecurrentStep<T>, _ gradients: RecurrentGradients<T>, dh: UnsafeMutablePointer<T>,
        scratch: UnsafeMutablePointer<T>
    ) {
        let width = 3 * units
        let product = GateProduct(width: width, units: units)
        let (gates, inner) = (UnsafePointer(step.kept), UnsafePointer(step.kept + width))
        let arguments = keepsArguments ? inner + units : nil
        let (z, r, candidate) = (gates, gates + units, gates + 2 * units)
        // By the arguments; by the recurrent products; by the gates' results; by r · h.
        let (dz, dRecurrent, dGates) = (scratch, scratch + width, scratch + 2 * width)
        let dReset = scratch + 3 * width
        dz.update(repeating: 0, count: width)
        func pass(_ activation: Activation, _ gate: Int, rows: Int) {
            let offset = gate * units
            activation.addGradient(
                argument: arguments.map { $0 + offset }, result: gates + offset,
                gradient: UnsafePointer(dGates + offset), to: dz + offset, rows: rows, width: units)
        }
        for unit in 0..<units {
            dGates[unit] = dh[unit] * (step.h[unit] - candidate[unit])
            dGates[2 * units + unit] = dh[unit] * (1 - z[unit])
            dh[unit] *= z[unit]
        }
        pass(options.activation, 2, rows: 1)
        let ofCandidate = dz + 2 * units
        if resetAfter {
            for unit in 0..<units {
                dGates[units + unit] = ofCandidate[unit] * inner[unit]
                dRecurrent[2 * units + unit] = ofCandidate[unit] * r[unit]
            }
        } else {
            dReset.update(repeating: 0, count: units)
            product.addGradients(
                of: UnsafePointer(ofCandidate), inner, units, nil, step.weights[1] + 2 * units, to: dReset,
                gradients.weights[1].map { $0 + 2 * units })
            let factors = step.stateFactors(2, units: units)
            for unit in 0..<units {
                let gradient = dReset[unit] * (factors?[unit] ?? 1)
                dGates[units + unit] = gradient * step.h[unit]
                dh[unit] += gradient * r[unit]
            }
        }
        // Both gates in one call: an activation such as softmax goes over each row.
        pass(recurrentActivation, 0, rows: 2)
        dRecurrent.update(from: dz, count: 2 * units)
        if options.useBias, let bias = gradients.weights[2] {
            for i in 0..<width { bias[i] += dz[i] }
            if resetAfter { for i in 0..<width { bias[width + i] += dRecurrent[i] } }
        }
        for gate in 0..<3 {
            let offset = gate * units
            product.addGradients(
                of: UnsafePointer(dz + offset), step.x, step.features, step.inputFactors(gate),
                step.weights[0] + offset, to: gradients.x, gradients.weights[0].map { $0 + offset })
            guard gate < 2 || resetAfter else { continue }
            product.addGradients(
                of: UnsafePointer(dRecurrent + offset), step.h, units, step.stateFactors(gate, units: units),
                step.weights[1] + offset, to: dh, gradients.weights[1].map { $0 + offset })
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) { forwardAll(call) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) { backwardAll(call) }
}
