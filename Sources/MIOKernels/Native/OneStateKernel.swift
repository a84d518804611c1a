import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// `GRU` and `SimpleRNN` in matrix products: one for what all steps take of the sequence, then one for each step's state.
///
/// Everything lies with the steps outermost, in the order in which they are taken: [step][sample][element]. Where a layer
/// drops inputs or states gate by gate, each gate has products of its own.
final class OneStateKernel: Kernel {
    /// What one step does between its products.
    private enum Cell { case gru, simple }

    /// Where everything lies, in elements, for as many samples as the largest pass has.
    private struct Places {
        // Kept for backward. States are those before each step, and the last.
        let sequence = 0
        let inputFactors, stateFactors, gates, products, states, workspace: Int
        // Scratch; the first two of forward as well.
        let maskedSequence = 0
        let maskedStates, outputGradients, stateGradient, partGradient, sequenceGradient, scratch: Int

        init(_ layer: any OneStateLayer, _ cell: Cell, input: Shape, samples: Int) {
            let (steps, features, units) = (input[0], input[1], layer.units)
            let gateCount = type(of: layer).gateCount
            let (inputSets, stateSets) = (
                layer.options.inputSets(gates: gateCount), layer.options.stateSets(gates: gateCount)
            )
            let rows = samples * steps
            inputFactors = rows * features
            stateFactors = inputFactors + inputSets * samples * features
            gates = stateFactors + stateSets * samples * units
            products = gates + rows * gateCount * units
            states = products + (cell == .gru ? rows * gateCount * units : 0)
            workspace = states + (rows + samples) * units
            maskedStates = inputSets > 0 ? rows * features : 0
            outputGradients = maskedStates + (stateSets > 0 ? rows * units : 0)
            stateGradient = outputGradients + rows * units
            partGradient = stateGradient + samples * units
            sequenceGradient = partGradient + (stateSets > 0 ? samples * units : 0)
            scratch = sequenceGradient + rows * features
        }
    }

    private let layer: any OneStateLayer
    private let cell: Cell
    private let gateCount: Int
    private let inputSets: Int
    private let stateSets: Int
    private let streams: RandomStreams
    private var bindings: Bindings
    private let places: Places
    private let steps: Int
    private let features: Int
    private let units: Int
    private let weightElements: [Int]
    private let activation: mio_activation
    private let recurrentActivation: mio_activation

    private static func code(_ activation: Activation) -> mio_activation? {
        switch activation {
        case .linear, .relu, .sigmoid, .tanh: activation.code
        default: nil
        }
    }

    /// What a layer's steps do; `nil` where only the plain implementation knows.
    private static func cell(_ layer: any OneStateLayer) -> (Cell, recurrent: Activation)? {
        switch layer {
        case let gru as GRU: gru.resetAfter ? (.gru, gru.recurrentActivation) : nil
        case is SimpleRNN: (.simple, .linear)
        default: nil
        }
    }

    static func choice(_ layer: any OneStateLayer, _ request: KernelRequest) -> KernelChoice? {
        let input = request.inputShapes[0]
        // The products count in 32 bits.
        guard let (cell, recurrent) = cell(layer), code(layer.options.activation) != nil,
            code(recurrent) != nil, Int32(exactly: request.samples * input[0]) != nil,
            Int32(exactly: input[1]) != nil, Int32(exactly: type(of: layer).gateCount * layer.units) != nil
        else { return nil }
        let places = Places(layer, cell, input: input, samples: request.samples)
        let weights = layer.weights(for: request.inputShapes)
        return KernelChoice(
            algorithm: MatrixProduct.best.rawValue, inputLayouts: request.inputShapes.map { _ in .canonical },
            weightElements: weights.map(\.shape.count), weightLayouts: weights.map { _ in "canonical" },
            scratchElements: places.scratch, workspaceElements: places.workspace, backwardReadsInputs: false,
            backwardReadsOutput: false)
    }

    init(_ layer: any OneStateLayer, _ description: KernelDescription) {
        guard let (cell, recurrent) = Self.cell(layer), let activation = Self.code(layer.options.activation),
            let recurrentCode = Self.code(recurrent)
        else { preconditionFailure("another kernel was chosen") }
        self.layer = layer
        self.cell = cell
        self.activation = activation
        recurrentActivation = recurrentCode
        gateCount = type(of: layer).gateCount
        inputSets = layer.options.inputSets(gates: gateCount)
        stateSets = layer.options.stateSets(gates: gateCount)
        streams = description.streams
        bindings = description.bindings
        weightElements = description.choice.weightElements
        let input = description.inputShapes[0]
        places = Places(layer, cell, input: input, samples: description.samples)
        steps = input[0]
        features = input[1]
        units = layer.units
    }

    func prepare(samples: Int) {}

    var canMoveInputs: Bool { true }
    func move(input: Int, to values: UnsafeMutablePointer<Float>) { bindings.inputs[input] = values }

    private var kept: UnsafeMutablePointer<Float> { bindings.workspace }
    private var width: Int { gateCount * units }
    private var options: RecurrentOptions { layer.options }
    private var order: StepOrder {
        StepOrder(
            steps: steps, backwards: options.goBackwards,
            mask: (bindings.masks.first ?? nil).map { UnsafePointer($0) })
    }

    private func step(_ step: Int, samples: Int) -> mio_lstm {
        let order = order
        return mio_lstm(
            activation: activation, recurrent_activation: recurrentActivation, rows: Int64(samples),
            units: Int64(units), counts: order.mask.map { $0 + order.position(step) },
            counts_stride: Int64(steps))
    }

    /// Calls `body` with the columns of the kernels that share factors, and the set of those.
    private func eachPart(sets: Int, _ body: (_ set: Int, _ column: Int, _ columns: Int) -> Void) {
        let parts = max(1, sets)
        for part in 0..<parts { body(part, part * (width / parts), width / parts) }
    }

    /// The factors of a pass; `nil` where nothing is dropped.
    private func factors(_ place: Int, sets: Int, _ pass: Pass) -> UnsafeMutablePointer<Float>? {
        sets > 0 && pass.context.training ? kept + place : nil
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

    func forward(_ pass: Pass) {
        let samples = pass.samples
        let block = samples * units
        drawFactors(pass)
        order.gather(
            bindings.inputs[0], samples: samples, features: features, to: kept + places.sequence)
        multiplySequence(pass)
        let states = kept + places.states
        if bindings.inputs.count > 1 {
            states.update(from: bindings.inputs[1], count: block)
        } else {
            states.update(repeating: 0, count: block)
        }
        let bias = options.useBias ? bindings.weights[2] : nil
        for step in 0..<steps {
            let z = kept + places.gates + step * samples * width
            let product = cell == .gru ? kept + places.products + step * samples * width : z
            let h = states + step * block
            multiplyState(h, pass, adds: cell == .simple, to: product)
            var arguments = self.step(step, samples: samples)
            switch cell {
            case .gru: mio_gru_forward(&arguments, z, product, bias, h, h + block)
            case .simple: mio_rnn_forward(&arguments, z, bias, h, h + block)
            }
        }
        order.writeOutputs(
            states + block, samples: samples, units: units, sequences: options.returnSequences,
            zeros: options.zeroOutputForMask, to: bindings.outputs[0])
        if options.returnState { bindings.outputs[1].update(from: states + steps * block, count: block) }
    }

    private func drawFactors(_ pass: Pass) {
        guard pass.context.training, inputSets + stateSets > 0 else { return }
        // A sample's sets lie far apart: each set holds the factors of all samples.
        let (ofInput, ofState) = (kept + places.inputFactors, kept + places.stateFactors)
        for sample in 0..<pass.samples {
            options.drawFactors(
                pass.context, streams, sample: sample, gates: gateCount, features: features,
                inputStride: pass.samples * features, stateStride: pass.samples * units,
                ofInput: ofInput + sample * features, ofState: ofState + sample * units)
        }
    }

    /// gates ← sequence · kernel
    private func multiplySequence(_ pass: Pass) {
        let rows = pass.samples * steps
        let factors = factors(places.inputFactors, sets: inputSets, pass)
        eachPart(sets: factors == nil ? 0 : inputSets) { set, column, columns in
            MatrixProduct.best(
                rows, columns, features,
                .init(pointer: masked(pass, factors, set: set), stride: features),
                .init(pointer: bindings.weights[0] + column, stride: width), adds: false,
                into: kept + places.gates + column, stride: width)
        }
    }

    /// The sequence times a set of its factors.
    private func masked(_ pass: Pass, _ factors: UnsafePointer<Float>?, set: Int) -> UnsafePointer<Float> {
        let sequence = UnsafePointer(kept + places.sequence)
        guard let factors else { return sequence }
        let target = bindings.scratch + places.maskedSequence
        multiply(
            sequence, by: factors + set * pass.samples * features, rows: pass.samples * steps,
            samples: pass.samples, count: features, to: target)
        return UnsafePointer(target)
    }

    /// product ← or += h · recurrent_kernel, of one step.
    private func multiplyState(
        _ h: UnsafePointer<Float>, _ pass: Pass, adds: Bool, to product: UnsafeMutablePointer<Float>
    ) {
        let samples = pass.samples
        let factors = factors(places.stateFactors, sets: stateSets, pass)
        eachPart(sets: factors == nil ? 0 : stateSets) { set, column, columns in
            var values = h
            if let factors {
                let target = bindings.scratch + places.maskedStates
                multiply(
                    h, by: factors + set * samples * units, rows: samples, samples: samples, count: units,
                    to: target)
                values = UnsafePointer(target)
            }
            MatrixProduct.best(
                samples, columns, units, .init(pointer: values, stride: units),
                .init(pointer: bindings.weights[1] + column, stride: width), adds: adds,
                into: product + column, stride: width)
        }
    }

    // MARK: Backward

    func backward(_ pass: Pass) {
        let samples = pass.samples
        let block = samples * units
        let dh = bindings.scratch + places.stateGradient
        let dy = bindings.scratch + places.outputGradients
        order.gatherGradients(
            bindings.outputGradients[0], samples: samples, units: units, sequences: options.returnSequences,
            zeros: options.zeroOutputForMask, to: dy)
        if options.returnState, let gradient = bindings.outputGradients[1] {
            dh.update(from: gradient, count: block)
        } else {
            dh.update(repeating: 0, count: block)
        }
        let states = kept + places.states
        for step in stride(from: steps - 1, through: 0, by: -1) {
            let z = kept + places.gates + step * samples * width
            let product = cell == .gru ? kept + places.products + step * samples * width : z
            var arguments = self.step(step, samples: samples)
            switch cell {
            case .gru:
                mio_gru_backward(&arguments, z, product, states + step * block, dy + step * block, dh)
            case .simple:
                mio_rnn_backward(&arguments, z, states + (step + 1) * block, dy + step * block, dh)
            }
            if step > 0 || bindings.inputs.count > 1 { passBackState(product, pass, to: dh) }
        }
        addWeightGradients(pass)
        passBackSequence(pass)
        guard bindings.inputs.count > 1, let gradient = bindings.inputGradients[1] else { return }
        if gradient.flow == .adds {
            mio_add(dh, gradient.pointer, Int64(block))
        } else {
            gradient.pointer.update(from: dh, count: block)
        }
    }

    /// dh += (product · recurrent_kernelᵀ) · factors, of one step.
    private func passBackState(
        _ product: UnsafePointer<Float>, _ pass: Pass, to dh: UnsafeMutablePointer<Float>
    ) {
        let samples = pass.samples
        let factors = factors(places.stateFactors, sets: stateSets, pass)
        eachPart(sets: factors == nil ? 0 : stateSets) { set, column, columns in
            let part = bindings.scratch + places.partGradient
            MatrixProduct.best(
                samples, units, columns, .init(pointer: product + column, stride: width),
                .init(pointer: bindings.weights[1] + column, stride: width, transposed: true),
                adds: factors == nil, into: factors == nil ? dh : part, stride: units)
            guard let factors else { return }
            multiply(
                part, by: factors + set * samples * units, rows: samples, samples: samples, count: units,
                to: part)
            mio_add(part, dh, Int64(samples * units))
        }
    }

    private func addWeightGradients(_ pass: Pass) {
        let (samples, rows) = (pass.samples, pass.samples * steps)
        let gates = kept + places.gates
        let products = cell == .gru ? kept + places.products : gates
        if let gradient = bindings.weightGradients[0] {
            let factors = factors(places.inputFactors, sets: inputSets, pass)
            eachPart(sets: factors == nil ? 0 : inputSets) { set, column, columns in
                MatrixProduct.best(
                    features, columns, rows,
                    .init(pointer: masked(pass, factors, set: set), stride: features, transposed: true),
                    .init(pointer: gates + column, stride: width), adds: gradient.adds(in: pass),
                    into: gradient.pointer + column, stride: width)
            }
        }
        if let gradient = bindings.weightGradients[1] {
            let factors = factors(places.stateFactors, sets: stateSets, pass)
            eachPart(sets: factors == nil ? 0 : stateSets) { set, column, columns in
                var values = UnsafePointer(kept + places.states)
                if let factors {
                    let target = bindings.scratch + places.maskedStates
                    multiply(
                        values, by: factors + set * samples * units, rows: rows, samples: samples,
                        count: units, to: target)
                    values = UnsafePointer(target)
                }
                MatrixProduct.best(
                    units, columns, rows, .init(pointer: values, stride: units, transposed: true),
                    .init(pointer: products + column, stride: width), adds: gradient.adds(in: pass),
                    into: gradient.pointer + column, stride: width)
            }
        }
        guard options.useBias, let bias = bindings.weightGradients[2] else { return }
        addColumns(gates, rows, to: bias.pointer, adds: bias.adds(in: pass))
        if cell == .gru { addColumns(products, rows, to: bias.pointer + width, adds: bias.adds(in: pass)) }
    }

    /// The sum of each column of (rows, width).
    private func addColumns(
        _ values: UnsafeMutablePointer<Float>, _ rows: Int, to target: UnsafeMutablePointer<Float>, adds: Bool
    ) {
        mio_activation_gradient(
            mio_activation_linear, values, values, Int64(rows), Int64(width), values, Int64(width), target,
            adds)
    }

    /// dx = (gates · kernelᵀ) · factors, back in the sequence's order.
    private func passBackSequence(_ pass: Pass) {
        guard let gradient = bindings.inputGradients[0] else { return }
        let (samples, rows) = (pass.samples, pass.samples * steps)
        let target = bindings.scratch + places.sequenceGradient
        let factors = factors(places.inputFactors, sets: inputSets, pass)
        var adds = gradient.flow == .adds
        eachPart(sets: factors == nil ? 0 : inputSets) { set, column, columns in
            MatrixProduct.best(
                rows, features, columns, .init(pointer: kept + places.gates + column, stride: width),
                .init(pointer: bindings.weights[0] + column, stride: width, transposed: true), adds: false,
                into: target, stride: features)
            if let factors {
                multiply(
                    target, by: factors + set * samples * features, rows: rows, samples: samples,
                    count: features, to: target)
            }
            order.scatter(
                target, samples: samples, features: features, to: gradient.pointer, adds: adds)
            adds = true
        }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: weightElements[weight])
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: weightElements[weight])
    }
}
