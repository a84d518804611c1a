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
        // Of backward; behind it the products' scratch.
        let outputGradients = 0
        let stateGradient, scratchOfProducts, scratch: Int

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
            stateGradient = rows * units
            scratchOfProducts = stateGradient + samples * units
            scratch =
                scratchOfProducts
                + GateProducts.scratch(
                    steps: steps, features: features, units: units, inputSets: inputSets,
                    stateSets: stateSets, samples: samples)
        }
    }

    private let layer: any OneStateLayer
    private let cell: Cell
    private let products: GateProducts
    private let streams: RandomStreams
    private var bindings: Bindings
    private let places: Places
    private let steps: Int
    private let features: Int
    private let units: Int
    private let weightElements: [Int]
    private let activation: mio_gate
    private let recurrentActivation: mio_gate

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
        guard let (cell, recurrent) = cell(layer), layer.options.activation.gate != nil,
            recurrent.gate != nil, Int32(exactly: request.samples * input[0]) != nil,
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
        guard let (cell, recurrent) = Self.cell(layer),
            let activation = layer.options.activation.gate,
            let recurrentCode = recurrent.gate
        else { preconditionFailure("another kernel was chosen") }
        self.layer = layer
        self.cell = cell
        self.activation = activation
        recurrentActivation = recurrentCode
        streams = description.streams
        let bindings = description.bindings
        self.bindings = bindings
        weightElements = description.choice.weightElements
        let input = description.inputShapes[0]
        let places = Places(layer, cell, input: input, samples: description.samples)
        self.places = places
        (steps, features, units) = (input[0], input[1], layer.units)
        let gateCount = type(of: layer).gateCount
        products = GateProducts(
            gateCount: gateCount, input: (input[0], input[1]), units: layer.units,
            sets: (
                layer.options.inputSets(gates: gateCount), layer.options.stateSets(gates: gateCount)
            ), samples: description.samples, weights: bindings.weights,
            inputFactors: bindings.workspace + places.inputFactors,
            stateFactors: bindings.workspace + places.stateFactors,
            scratch: bindings.scratch + places.scratchOfProducts)
    }

    func prepare(samples: Int) {}

    var canMoveInputs: Bool { true }
    func move(input: Int, to values: UnsafeMutablePointer<Float>) { bindings.inputs[input] = values }

    private var kept: UnsafeMutablePointer<Float> { bindings.workspace }
    private var width: Int { products.width }
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

    // MARK: Forward

    func forward(_ pass: Pass) {
        let samples = pass.samples
        let block = samples * units
        drawFactors(pass)
        order.gather(
            bindings.inputs[0], samples: samples, features: features, to: kept + places.sequence)
        products.multiplySequence(kept + places.sequence, pass, to: kept + places.gates)
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
            products.multiplyState(h, pass, adds: cell == .simple, to: product)
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
        guard pass.context.training, products.inputSets + products.stateSets > 0 else { return }
        // A sample's sets lie far apart: each set holds the factors of all samples.
        for sample in 0..<pass.samples {
            options.drawFactors(
                pass.context, streams, sample: sample, gates: products.gateCount, features: features,
                inputStride: pass.samples * features, stateStride: pass.samples * units,
                ofInput: products.inputFactors + sample * features,
                ofState: products.stateFactors + sample * units)
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
            if step > 0 || bindings.inputs.count > 1 { products.passBackState(product, pass, to: dh) }
        }
        addWeightGradients(pass)
        products.passBackSequence(kept + places.gates, pass, order: order, to: bindings.inputGradients[0])
        guard bindings.inputs.count > 1, let gradient = bindings.inputGradients[1] else { return }
        if gradient.flow == .adds {
            mio_add(dh, gradient.pointer, Int64(block))
        } else {
            gradient.pointer.update(from: dh, count: block)
        }
    }

    private func addWeightGradients(_ pass: Pass) {
        let gates = kept + places.gates
        let ofStates = cell == .gru ? kept + places.products : gates
        products.addKernelGradient(
            bindings.weightGradients[0], sequence: kept + places.sequence, gates: gates, pass)
        products.addRecurrentGradient(
            bindings.weightGradients[1], states: kept + places.states, products: ofStates, pass)
        guard options.useBias, let bias = bindings.weightGradients[2] else { return }
        let adds = bias.adds(in: pass)
        products.addColumns(gates, to: bias.pointer, adds: adds, pass)
        if cell == .gru { products.addColumns(ofStates, to: bias.pointer + width, adds: adds, pass) }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: weightElements[weight])
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: weightElements[weight])
    }
}
