import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// A long short-term memory in matrix products: one for what all steps take of the sequence, then one for each step's state.
///
/// Everything lies with the steps outermost, in the order in which they are taken: [step][sample][element].
final class LSTMKernel: Kernel {
    private static let gateCount = 4

    /// Where everything lies, in elements, for as many samples as the largest pass has.
    private struct Places {
        // Kept for backward. States are those before each step, and the last.
        let sequence = 0
        let inputFactors, stateFactors, gates, cells, activated, states, workspace: Int
        // Of backward; behind it the products' scratch.
        let outputGradients = 0
        let stateGradient, cellGradient, products, scratch: Int

        init(_ layer: LSTM, input: Shape, samples: Int) {
            let (steps, features, units) = (input[0], input[1], layer.units)
            let (inputSets, stateSets) = (layer.inputSets, layer.stateSets)
            let rows = samples * steps
            inputFactors = rows * features
            stateFactors = inputFactors + inputSets * samples * features
            gates = stateFactors + stateSets * samples * units
            cells = gates + rows * gateCount * units
            activated = cells + (rows + samples) * units
            states = activated + rows * units
            workspace = states + (rows + samples) * units
            stateGradient = rows * units
            cellGradient = stateGradient + samples * units
            products = cellGradient + samples * units
            scratch =
                products
                + GateProducts.scratch(
                    steps: steps, features: features, units: units, inputSets: inputSets,
                    stateSets: stateSets, samples: samples)
        }
    }

    private let layer: LSTM
    private let streams: RandomStreams
    private var bindings: Bindings
    private let places: Places
    private let products: GateProducts
    private let steps: Int
    private let features: Int
    private let units: Int
    private let weightElements: [Int]
    private let activation: mio_gate
    private let recurrentActivation: mio_gate

    static func choice(_ layer: LSTM, _ request: KernelRequest) -> KernelChoice? {
        let input = request.inputShapes[0]
        // The products count in 32 bits.
        guard layer.activation.gate != nil,
            layer.recurrentActivation.gate != nil,
            Int32(exactly: request.samples * input[0]) != nil, Int32(exactly: input[1]) != nil,
            Int32(exactly: gateCount * layer.units) != nil
        else { return nil }
        let places = Places(layer, input: input, samples: request.samples)
        let weights = layer.weights(for: request.inputShapes)
        return KernelChoice(
            algorithm: MatrixProduct.best.rawValue, inputLayouts: request.inputShapes.map { _ in .canonical },
            weightElements: weights.map(\.shape.count), weightLayouts: weights.map { _ in "canonical" },
            scratchElements: places.scratch, workspaceElements: places.workspace, backwardReadsInputs: false,
            backwardReadsOutput: false)
    }

    init(_ layer: LSTM, _ description: KernelDescription) {
        guard let activation = layer.activation.gate,
            let recurrent = layer.recurrentActivation.gate
        else { preconditionFailure("other activations were chosen") }
        self.layer = layer
        self.activation = activation
        recurrentActivation = recurrent
        streams = description.streams
        let bindings = description.bindings
        self.bindings = bindings
        weightElements = description.choice.weightElements
        let input = description.inputShapes[0]
        let places = Places(layer, input: input, samples: description.samples)
        self.places = places
        (steps, features, units) = (input[0], input[1], layer.units)
        products = GateProducts(
            gateCount: Self.gateCount, input: (input[0], input[1]), units: layer.units,
            sets: (layer.inputSets, layer.stateSets), samples: description.samples, weights: bindings.weights,
            inputFactors: bindings.workspace + places.inputFactors,
            stateFactors: bindings.workspace + places.stateFactors,
            scratch: bindings.scratch + places.products)
    }

    func prepare(samples: Int) {}

    var canMoveInputs: Bool { true }
    func move(input: Int, to values: UnsafeMutablePointer<Float>) { bindings.inputs[input] = values }

    private var kept: UnsafeMutablePointer<Float> { bindings.workspace }
    private var order: StepOrder {
        StepOrder(
            steps: steps, backwards: layer.goBackwards,
            mask: (bindings.masks.first ?? nil).map { UnsafePointer($0) })
    }

    private func step(_ step: Int, _ order: StepOrder, samples: Int) -> mio_lstm {
        mio_lstm(
            activation: activation, recurrent_activation: recurrentActivation, rows: Int64(samples),
            units: Int64(units), counts: order.mask.map { $0 + order.position(step) },
            counts_stride: Int64(steps))
    }

    // MARK: Forward

    func forward(_ pass: Pass) {
        let (samples, width, order) = (pass.samples, products.width, order)
        let block = samples * units
        drawFactors(pass)
        let sequence = kept + places.sequence
        order.gather(bindings.inputs[0], samples: samples, features: features, to: sequence)
        let gates = kept + places.gates
        products.multiplySequence(sequence, pass, to: gates)
        let (states, cells) = (kept + places.states, kept + places.cells)
        if bindings.inputs.count > 1 {
            states.update(from: bindings.inputs[1], count: block)
            cells.update(from: bindings.inputs[2], count: block)
        } else {
            states.update(repeating: 0, count: block)
            cells.update(repeating: 0, count: block)
        }
        let bias = layer.useBias ? bindings.weights[2] : nil
        for step in 0..<steps {
            let z = gates + step * samples * width
            let (h, c) = (states + step * block, cells + step * block)
            if step > 0 || bindings.inputs.count > 1 {
                products.multiplyState(h, pass, adds: true, to: z)
            }
            var lstm = self.step(step, order, samples: samples)
            mio_lstm_forward(
                &lstm, z, bias, h, c, h + block, c + block, kept + places.activated + step * block)
        }
        order.writeOutputs(
            states + block, samples: samples, units: units, sequences: layer.returnSequences,
            zeros: layer.zeroOutputForMask, to: bindings.outputs[0])
        if layer.returnState {
            bindings.outputs[1].update(from: states + steps * block, count: block)
            bindings.outputs[2].update(from: cells + steps * block, count: block)
        }
    }

    private func drawFactors(_ pass: Pass) {
        guard pass.context.training, products.inputSets + products.stateSets > 0 else { return }
        // A sample's sets lie far apart: each set holds the factors of all samples.
        for sample in 0..<pass.samples {
            layer.drawFactors(
                pass.context, streams, sample: sample, features: features,
                inputStride: pass.samples * features, stateStride: pass.samples * units,
                ofInput: products.inputFactors + sample * features,
                ofState: products.stateFactors + sample * units)
        }
    }

    // MARK: Backward

    func backward(_ pass: Pass) {
        let (samples, width, order) = (pass.samples, products.width, order)
        let block = samples * units
        let scratch = bindings.scratch
        let (dh, dc) = (scratch + places.stateGradient, scratch + places.cellGradient)
        let dy = scratch + places.outputGradients
        order.gatherGradients(
            bindings.outputGradients[0].map { UnsafePointer($0) }, samples: samples, units: units,
            sequences: layer.returnSequences, zeros: layer.zeroOutputForMask, to: dy)
        begin(dh, with: layer.returnState ? bindings.outputGradients[1] : nil, block)
        begin(dc, with: layer.returnState ? bindings.outputGradients[2] : nil, block)
        let (gates, states, cells) = (kept + places.gates, kept + places.states, kept + places.cells)
        for step in stride(from: steps - 1, through: 0, by: -1) {
            let z = gates + step * samples * width
            var lstm = self.step(step, order, samples: samples)
            mio_lstm_backward(
                &lstm, z, cells + step * block, kept + places.activated + step * block, dy + step * block, dh,
                dc)
            if step > 0 || bindings.inputs.count > 1 { products.passBackState(z, pass, to: dh) }
        }
        products.addKernelGradient(
            bindings.weightGradients[0], sequence: kept + places.sequence, gates: gates, pass)
        products.addRecurrentGradient(
            bindings.weightGradients[1], states: states, products: gates, pass)
        if layer.useBias, let bias = bindings.weightGradients[2] {
            products.addColumns(gates, to: bias.pointer, adds: bias.adds(in: pass), pass)
        }
        products.passBackSequence(gates, pass, order: order, to: bindings.inputGradients[0])
        guard bindings.inputs.count > 1 else { return }
        add(dh, to: bindings.inputGradients[1], block)
        add(dc, to: bindings.inputGradients[2], block)
    }

    private func begin(
        _ target: UnsafeMutablePointer<Float>, with gradient: UnsafeMutablePointer<Float>?, _ count: Int
    ) {
        if let gradient {
            target.update(from: gradient, count: count)
        } else {
            target.update(repeating: 0, count: count)
        }
    }

    private func add(_ values: UnsafePointer<Float>, to gradient: Gradient?, _ count: Int) {
        guard let gradient else { return }
        if gradient.flow == .adds {
            mio_add(values, gradient.pointer, Int64(count))
        } else {
            gradient.pointer.update(from: values, count: count)
        }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: weightElements[weight])
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: weightElements[weight])
    }
}
