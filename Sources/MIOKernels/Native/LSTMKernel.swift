import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// A long short-term memory in matrix products: one for what all steps take of the sequence, then one for each step's state.
///
/// Everything lies with the steps outermost, in the order in which they are taken: [step][sample][element].
final class LSTMKernel: Kernel {
    /// Where everything lies, in elements, for as many samples as the largest pass has.
    private struct Places {
        // Kept for backward; factors only where the layer drops inputs. States are those before each step, and the last.
        let sequence = 0
        let factors, gates, cells, activated, states, workspace: Int
        // Of backward.
        let outputGradients = 0
        let stateGradient, cellGradient, sequenceGradient, scratch: Int

        init(_ layer: LSTM, input: Shape, samples: Int) {
            let (steps, features, units) = (input[0], input[1], layer.units)
            factors = samples * steps * features
            gates = factors + (layer.dropsInputs ? samples * features : 0)
            cells = gates + samples * steps * 4 * units
            activated = cells + samples * (steps + 1) * units
            states = activated + samples * steps * units
            workspace = states + samples * (steps + 1) * units
            stateGradient = samples * steps * units
            cellGradient = stateGradient + samples * units
            sequenceGradient = cellGradient + samples * units
            scratch = sequenceGradient + samples * steps * features
        }
    }

    private let layer: LSTM
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

    static func choice(_ layer: LSTM, _ request: KernelRequest) -> KernelChoice? {
        let input = request.inputShapes[0]
        // The products count in 32 bits.
        guard layer.recurrentDropout == 0, code(layer.activation) != nil,
            code(layer.recurrentActivation) != nil,
            Int32(exactly: request.samples * input[0]) != nil, Int32(exactly: input[1]) != nil,
            Int32(exactly: 4 * layer.units) != nil
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
        guard let activation = Self.code(layer.activation),
            let recurrent = Self.code(layer.recurrentActivation)
        else { preconditionFailure("other activations were chosen") }
        self.layer = layer
        self.activation = activation
        recurrentActivation = recurrent
        streams = description.streams
        bindings = description.bindings
        weightElements = description.choice.weightElements
        let input = description.inputShapes[0]
        places = Places(layer, input: input, samples: description.samples)
        steps = input[0]
        features = input[1]
        units = layer.units
    }

    func prepare(samples: Int) {}

    var canMoveInputs: Bool { true }
    func move(input: Int, to values: UnsafeMutablePointer<Float>) { bindings.inputs[input] = values }

    private var mask: UnsafeMutablePointer<Float>? { bindings.masks.first ?? nil }
    private var kept: UnsafeMutablePointer<Float> { bindings.workspace }

    /// Of the sequence, where a step comes from.
    private func position(_ step: Int) -> Int { layer.goBackwards ? steps - 1 - step : step }

    private func step(_ step: Int, samples: Int) -> mio_lstm {
        mio_lstm(
            activation: activation, recurrent_activation: recurrentActivation, rows: Int64(samples),
            units: Int64(units), counts: mask.map { UnsafePointer($0 + position(step)) },
            counts_stride: Int64(steps))
    }

    private func counts(_ step: Int, sample: Int) -> Bool {
        mask.map { $0[sample * steps + position(step)] != 0 } ?? true
    }

    // MARK: Forward

    func forward(_ pass: Pass) {
        let (samples, width) = (pass.samples, 4 * units)
        let block = samples * units
        let sequence = kept + places.sequence
        gatherSequence(pass, to: sequence)
        let gates = kept + places.gates
        MatrixProduct.best(
            samples * steps, width, features, .init(pointer: sequence, stride: features),
            .init(pointer: bindings.weights[0], stride: width), adds: false, into: gates, stride: width)
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
                MatrixProduct.best(
                    samples, width, units, .init(pointer: h, stride: units),
                    .init(pointer: bindings.weights[1], stride: width), adds: true, into: z, stride: width)
            }
            var lstm = self.step(step, samples: samples)
            mio_lstm_forward(
                &lstm, z, bias, h, c, h + block, c + block, kept + places.activated + step * block)
        }
        writeOutputs(samples)
        if layer.returnState {
            bindings.outputs[1].update(from: states + steps * block, count: block)
            bindings.outputs[2].update(from: cells + steps * block, count: block)
        }
    }

    /// Puts the steps outermost, and multiplies them by their dropout's factors.
    private func gatherSequence(_ pass: Pass, to sequence: UnsafeMutablePointer<Float>) {
        let factors = pass.context.training && layer.dropsInputs ? kept + places.factors : nil
        if let factors {
            layer.drawFactors(
                pass.context, streams, samples: pass.samples, features: features, to: factors)
        }
        for sample in 0..<pass.samples {
            for step in 0..<steps {
                let source = bindings.inputs[0] + (sample * steps + position(step)) * features
                let target = sequence + (step * pass.samples + sample) * features
                if let factors {
                    let factor = factors + sample * features
                    for i in 0..<features { target[i] = source[i] * factor[i] }
                } else {
                    target.update(from: source, count: features)
                }
            }
        }
    }

    /// The states after the steps, the output before where a step does not count.
    private func writeOutputs(_ samples: Int) {
        let outputs = bindings.outputs[0]
        let rows = layer.returnSequences ? steps : 1
        for sample in 0..<samples {
            var step = layer.returnSequences ? 0 : steps - 1
            if !layer.returnSequences, !layer.zeroOutputForMask {
                // The last one that counts.
                while step >= 0, !counts(step, sample: sample) { step -= 1 }
            }
            for row in 0..<rows {
                let output = outputs + (sample * rows + row) * units
                if step >= 0, counts(step, sample: sample) {
                    output.update(
                        from: kept + places.states + ((step + 1) * samples + sample) * units, count: units)
                } else if row > 0, !layer.zeroOutputForMask {
                    output.update(from: output - units, count: units)
                } else {
                    output.update(repeating: 0, count: units)
                }
                step += 1
            }
        }
    }

    // MARK: Backward

    func backward(_ pass: Pass) {
        let (samples, width) = (pass.samples, 4 * units)
        let block = samples * units
        let scratch = bindings.scratch
        let (dh, dc) = (scratch + places.stateGradient, scratch + places.cellGradient)
        gatherGradients(samples, to: scratch + places.outputGradients)
        begin(dh, with: layer.returnState ? bindings.outputGradients[1] : nil, block)
        begin(dc, with: layer.returnState ? bindings.outputGradients[2] : nil, block)
        let (gates, states, cells) = (kept + places.gates, kept + places.states, kept + places.cells)
        for step in stride(from: steps - 1, through: 0, by: -1) {
            let z = gates + step * samples * width
            var lstm = self.step(step, samples: samples)
            mio_lstm_backward(
                &lstm, z, cells + step * block, kept + places.activated + step * block,
                scratch + places.outputGradients + step * block, dh, dc)
            if step > 0 || bindings.inputs.count > 1 {
                MatrixProduct.best(
                    samples, units, width, .init(pointer: z, stride: width),
                    .init(pointer: bindings.weights[1], stride: width, transposed: true), adds: true,
                    into: dh,
                    stride: units)
            }
        }
        let rows = samples * steps
        addWeightGradient(0, kept + places.sequence, features, pass)
        addWeightGradient(1, states, units, pass)
        if layer.useBias, let bias = bindings.weightGradients[2] {
            mio_activation_gradient(
                mio_activation_linear, gates, gates, Int64(rows), Int64(width), gates, Int64(width),
                bias.pointer,
                bias.adds(in: pass))
        }
        passBack(pass)
        guard bindings.inputs.count > 1 else { return }
        add(dh, to: bindings.inputGradients[1], block)
        add(dc, to: bindings.inputGradients[2], block)
    }

    /// valuesᵀ · dz over all steps.
    private func addWeightGradient(_ weight: Int, _ values: UnsafePointer<Float>, _ count: Int, _ pass: Pass)
    {
        guard let gradient = bindings.weightGradients[weight] else { return }
        let width = 4 * units
        MatrixProduct.best(
            count, width, pass.samples * steps, .init(pointer: values, stride: count, transposed: true),
            .init(pointer: kept + places.gates, stride: width), adds: gradient.adds(in: pass),
            into: gradient.pointer, stride: width)
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

    /// For each step that counts the gradient by its state as an output: its own and that of the steps that repeat it.
    private func gatherGradients(_ samples: Int, to target: UnsafeMutablePointer<Float>) {
        guard let gradient = bindings.outputGradients[0] else {
            return target.update(repeating: 0, count: samples * steps * units)
        }
        for sample in 0..<samples {
            // The step whose output the ones after it repeat, from the last one on.
            for step in stride(from: steps - 1, through: 0, by: -1) {
                let own = target + (step * samples + sample) * units
                if layer.returnSequences {
                    own.update(from: gradient + (sample * steps + step) * units, count: units)
                } else if step == steps - 1 {
                    own.update(from: gradient + sample * units, count: units)
                } else {
                    own.update(repeating: 0, count: units)
                }
                // The step after it repeats this one's output.
                if step < steps - 1, !layer.zeroOutputForMask, !counts(step + 1, sample: sample) {
                    mio_add(own + samples * units, own, Int64(units))
                }
            }
        }
    }

    /// dx = dz · kernelᵀ, back in the sequence's order.
    private func passBack(_ pass: Pass) {
        guard let gradient = bindings.inputGradients[0] else { return }
        let (samples, width) = (pass.samples, 4 * units)
        let target = bindings.scratch + places.sequenceGradient
        MatrixProduct.best(
            samples * steps, features, width, .init(pointer: kept + places.gates, stride: width),
            .init(pointer: bindings.weights[0], stride: width, transposed: true), adds: false, into: target,
            stride: features)
        let factors = pass.context.training && layer.dropsInputs ? kept + places.factors : nil
        for sample in 0..<samples {
            for step in 0..<steps {
                let values = target + (step * samples + sample) * features
                let dx = gradient.pointer + (sample * steps + position(step)) * features
                if let factors {
                    let factor = factors + sample * features
                    for i in 0..<features { values[i] *= factor[i] }
                }
                if gradient.flow == .adds {
                    mio_add(values, dx, Int64(features))
                } else {
                    dx.update(from: values, count: features)
                }
            }
        }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: weightElements[weight])
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: weightElements[weight])
    }
}
