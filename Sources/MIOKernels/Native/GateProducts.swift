import CDenseLoops
import MIOGraph
import MIOPlan

/// The matrix products of a recurrent layer whose kernels have the columns of all gates side by side.
///
/// Everything lies with the steps outermost: [step][sample][element]. Where a layer drops inputs or states gate by gate, each
/// gate has products of its own, of values that its factors have multiplied.
struct GateProducts {
    let gateCount: Int
    let steps: Int
    let features: Int
    let units: Int
    /// Sets of factors of the sequence: none, one for all gates, or one for each.
    let inputSets: Int
    /// Sets of factors of the states: none, or one for each gate.
    let stateSets: Int
    /// (features, width), (units, width)
    let kernel: UnsafePointer<Float>
    let recurrentKernel: UnsafePointer<Float>
    /// Kept: (sets, samples, features), (sets, samples, units).
    let inputFactors: UnsafeMutablePointer<Float>
    let stateFactors: UnsafeMutablePointer<Float>
    private let maskedSequence: UnsafeMutablePointer<Float>
    private let maskedStates: UnsafeMutablePointer<Float>
    private let part: UnsafeMutablePointer<Float>
    private let sequenceGradient: UnsafeMutablePointer<Float>

    /// Elements of the scratch memory, for as many samples as the largest pass has.
    static func scratch(
        steps: Int, features: Int, units: Int, inputSets: Int, stateSets: Int, samples: Int
    ) -> Int {
        let rows = samples * steps
        return (inputSets > 0 ? rows * features : 0) + (stateSets > 0 ? (rows + samples) * units : 0)
            + rows * features
    }

    /// - Parameters:
    ///   - samples: the most that a pass has.
    ///   - scratch: of `scratch` elements.
    init(
        gateCount: Int, input: (steps: Int, features: Int), units: Int, sets: (input: Int, state: Int),
        samples: Int, weights: [UnsafeMutablePointer<Float>], inputFactors: UnsafeMutablePointer<Float>,
        stateFactors: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        self.gateCount = gateCount
        (steps, features) = input
        self.units = units
        (inputSets, stateSets) = sets
        kernel = UnsafePointer(weights[0])
        recurrentKernel = UnsafePointer(weights[1])
        self.inputFactors = inputFactors
        self.stateFactors = stateFactors
        let rows = samples * input.steps
        maskedSequence = scratch
        maskedStates = maskedSequence + (sets.input > 0 ? rows * input.features : 0)
        part = maskedStates + (sets.state > 0 ? rows * units : 0)
        sequenceGradient = part + (sets.state > 0 ? samples * units : 0)
    }

    /// Columns of the kernels.
    var width: Int { gateCount * units }

    /// Calls `body` with the columns of the kernels that share factors, and the set of those.
    @inline(__always)
    private func eachPart(sets: Int, _ body: (_ set: Int, _ column: Int, _ columns: Int) -> Void) {
        let parts = max(1, sets)
        for part in 0..<parts { body(part, part * (width / parts), width / parts) }
    }

    /// The factors of a pass; `nil` where nothing is dropped.
    private func factors(ofInput pass: Pass) -> UnsafePointer<Float>? {
        inputSets > 0 && pass.context.training ? UnsafePointer(inputFactors) : nil
    }

    private func factors(ofState pass: Pass) -> UnsafePointer<Float>? {
        stateSets > 0 && pass.context.training ? UnsafePointer(stateFactors) : nil
    }

    /// A row's values times a set of factors, for all rows of (…, samples).
    private func multiply(
        _ values: UnsafePointer<Float>, by factors: UnsafePointer<Float>, rows: Int, samples: Int, count: Int,
        to target: UnsafeMutablePointer<Float>
    ) {
        for row in 0..<rows {
            let factor = factors + row % samples * count
            let (source, result) = (values + row * count, target + row * count)
            for i in 0..<count { result[i] = source[i] * factor[i] }
        }
    }

    // MARK: Forward

    /// gates ← sequence · kernel, of all steps.
    func multiplySequence(
        _ sequence: UnsafePointer<Float>, _ pass: Pass, to gates: UnsafeMutablePointer<Float>
    ) {
        let factors = factors(ofInput: pass)
        eachPart(sets: factors == nil ? 0 : inputSets) { set, column, columns in
            MatrixProduct.best(
                pass.samples * steps, columns, features,
                .init(pointer: masked(sequence, pass, factors, set: set), stride: features),
                .init(pointer: kernel + column, stride: width), adds: false, into: gates + column,
                stride: width)
        }
    }

    /// The sequence times a set of its factors.
    private func masked(
        _ sequence: UnsafePointer<Float>, _ pass: Pass, _ factors: UnsafePointer<Float>?, set: Int
    ) -> UnsafePointer<Float> {
        guard let factors else { return sequence }
        multiply(
            sequence, by: factors + set * pass.samples * features, rows: pass.samples * steps,
            samples: pass.samples, count: features, to: maskedSequence)
        return UnsafePointer(maskedSequence)
    }

    /// States of `rows` rows times a set of their factors.
    private func masked(
        states: UnsafePointer<Float>, rows: Int, _ pass: Pass, _ factors: UnsafePointer<Float>?, set: Int
    ) -> UnsafePointer<Float> {
        guard let factors else { return states }
        multiply(
            states, by: factors + set * pass.samples * units, rows: rows, samples: pass.samples, count: units,
            to: maskedStates)
        return UnsafePointer(maskedStates)
    }

    /// product ← or += h · recurrent_kernel, of one step.
    func multiplyState(
        _ h: UnsafePointer<Float>, _ pass: Pass, adds: Bool, to product: UnsafeMutablePointer<Float>
    ) {
        let factors = factors(ofState: pass)
        eachPart(sets: factors == nil ? 0 : stateSets) { set, column, columns in
            MatrixProduct.best(
                pass.samples, columns, units,
                .init(pointer: masked(states: h, rows: pass.samples, pass, factors, set: set), stride: units),
                .init(pointer: recurrentKernel + column, stride: width), adds: adds, into: product + column,
                stride: width)
        }
    }

    // MARK: Backward

    /// dh += (product · recurrent_kernelᵀ) · factors, of one step.
    func passBackState(
        _ product: UnsafePointer<Float>, _ pass: Pass, to dh: UnsafeMutablePointer<Float>
    ) {
        let samples = pass.samples
        let factors = factors(ofState: pass)
        eachPart(sets: factors == nil ? 0 : stateSets) { set, column, columns in
            MatrixProduct.best(
                samples, units, columns, .init(pointer: product + column, stride: width),
                .init(pointer: recurrentKernel + column, stride: width, transposed: true),
                adds: factors == nil, into: factors == nil ? dh : part, stride: units)
            guard let factors else { return }
            multiply(
                part, by: factors + set * samples * units, rows: samples, samples: samples, count: units,
                to: part)
            mio_add(part, dh, Int64(samples * units))
        }
    }

    /// The kernel's gradient: (sequence · factors)ᵀ · gates.
    func addKernelGradient(
        _ gradient: Gradient?, sequence: UnsafePointer<Float>, gates: UnsafePointer<Float>, _ pass: Pass
    ) {
        guard let gradient else { return }
        let factors = factors(ofInput: pass)
        eachPart(sets: factors == nil ? 0 : inputSets) { set, column, columns in
            MatrixProduct.best(
                features, columns, pass.samples * steps,
                .init(
                    pointer: masked(sequence, pass, factors, set: set), stride: features, transposed: true),
                .init(pointer: gates + column, stride: width), adds: gradient.adds(in: pass),
                into: gradient.pointer + column, stride: width)
        }
    }

    /// The recurrent kernel's gradient: (states · factors)ᵀ · products, of the states before all steps.
    func addRecurrentGradient(
        _ gradient: Gradient?, states: UnsafePointer<Float>, products: UnsafePointer<Float>, _ pass: Pass
    ) {
        guard let gradient else { return }
        let (factors, rows) = (factors(ofState: pass), pass.samples * steps)
        eachPart(sets: factors == nil ? 0 : stateSets) { set, column, columns in
            MatrixProduct.best(
                units, columns, rows,
                .init(
                    pointer: masked(states: states, rows: rows, pass, factors, set: set), stride: units,
                    transposed: true),
                .init(pointer: products + column, stride: width), adds: gradient.adds(in: pass),
                into: gradient.pointer + column, stride: width)
        }
    }

    /// A bias' gradient: the sum of each column of (rows, width), over all steps.
    func addColumns(
        _ values: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>, adds: Bool,
        _ pass: Pass
    ) {
        mio_activation_gradient(
            mio_activation_linear, values, values, Int64(pass.samples * steps), Int64(width), values,
            Int64(width), target, adds)
    }

    /// dx ← or += (gates · kernelᵀ) · factors, back in the sequence's order.
    func passBackSequence(
        _ gates: UnsafePointer<Float>, _ pass: Pass, order: StepOrder, to gradient: Gradient?
    ) {
        guard let gradient else { return }
        let (samples, rows) = (pass.samples, pass.samples * steps)
        let factors = factors(ofInput: pass)
        var adds = gradient.flow == .adds
        eachPart(sets: factors == nil ? 0 : inputSets) { set, column, columns in
            MatrixProduct.best(
                rows, features, columns, .init(pointer: gates + column, stride: width),
                .init(pointer: kernel + column, stride: width, transposed: true), adds: false,
                into: sequenceGradient, stride: features)
            if let factors {
                multiply(
                    sequenceGradient, by: factors + set * samples * features, rows: rows, samples: samples,
                    count: features, to: sequenceGradient)
            }
            order.scatter(
                sequenceGradient, samples: samples, features: features, to: gradient.pointer, adds: adds)
            adds = true
        }
    }
}

extension Activation {
    /// What the loops of a recurrent layer's step compute; `nil` if they cannot.
    var gate: mio_gate? {
        switch self {
        case .linear: mio_gate_linear
        case .relu: mio_gate_relu
        case .sigmoid: mio_gate_sigmoid
        case .tanh: mio_gate_tanh
        case .hardSigmoid: mio_gate_hard_sigmoid
        default: nil
        }
    }
}
