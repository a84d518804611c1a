import MIOBase

extension LSTM {
    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let memory = LSTMMemory(self, input: call.inputShapes[0])
        for sample in 0..<call.samples {
            let kept = call.kept + sample * memory.count
            if call.context.training {
                draw(
                    call.context, call.streams, sample: sample, features: memory.features,
                    inputStride: memory.features, stateStride: units, ofInput: kept + memory.inputFactors,
                    ofState: kept + memory.stateFactors)
            }
            forward(call, sample, memory, kept)
        }
    }

    @inline(__always)
    private func forward<T: Scalar>(
        _ call: ForwardCall<T>, _ sample: Int, _ memory: LSTMMemory, _ kept: UnsafeMutablePointer<T>
    ) {
        let zeros = call.scratch
        zeros.update(repeating: 0, count: units)
        let hasState = call.inputs.count > 1
        var h = hasState ? call.inputs[1] + sample * units : UnsafePointer(zeros)
        var c = hasState ? call.inputs[2] + sample * units : UnsafePointer(zeros)
        let outputs = call.outputs[0] + sample * (returnSequences ? memory.steps : 1) * units
        var output = UnsafePointer(zeros)
        for step in 0..<memory.steps {
            let position = goBackwards ? memory.steps - 1 - step : step
            let nextH = kept + memory.states + step * units
            let nextC = kept + memory.cells + step * units
            let counts = call.counts(step: position, of: memory.steps, sample: sample)
            if counts {
                let x = call.inputs[0] + (sample * memory.steps + position) * memory.features
                forwardStep(call, x: x, h: h, c: c, memory, kept, step)
                output = UnsafePointer(nextH)
            } else {
                nextH.update(from: h, count: units)
                nextC.update(from: c, count: units)
                if zeroOutputForMask { output = UnsafePointer(zeros) }
            }
            if returnSequences { (outputs + step * units).update(from: output, count: units) }
            (h, c) = (UnsafePointer(nextH), UnsafePointer(nextC))
        }
        if !returnSequences { outputs.update(from: output, count: units) }
        if returnState {
            (call.outputs[1] + sample * units).update(from: h, count: units)
            (call.outputs[2] + sample * units).update(from: c, count: units)
        }
    }

    @inline(__always)
    private func forwardStep<T: Scalar>(
        _ call: ForwardCall<T>, x: UnsafePointer<T>, h: UnsafePointer<T>, c: UnsafePointer<T>,
        _ memory: LSTMMemory, _ kept: UnsafeMutablePointer<T>, _ step: Int
    ) {
        let width = LSTMMemory.gateCount * units
        let gates = kept + memory.gates + step * width
        if useBias {
            gates.update(from: call.weights[2], count: width)
        } else {
            gates.update(repeating: 0, count: width)
        }
        let training = call.context.training
        for gate in 0..<LSTMMemory.gateCount {
            let target = gates + gate * units
            add(
                x, memory.features, inputFactors(gate, memory, kept, training),
                call.weights[0] + gate * units,
                to: target)
            add(
                h, units, stateFactors(gate, memory, kept, training), call.weights[1] + gate * units,
                to: target)
        }
        if keepsArguments {
            (kept + memory.arguments + step * width).update(from: gates, count: width)
        }
        recurrentActivation.apply(gates, rows: 2, width: units)
        activation.apply(gates + 2 * units, rows: 1, width: units)
        recurrentActivation.apply(gates + 3 * units, rows: 1, width: units)
        let (i, f, g, o) = (gates, gates + units, gates + 2 * units, gates + 3 * units)
        let nextC = kept + memory.cells + step * units
        let activated = kept + memory.activated + step * units
        for unit in 0..<units { nextC[unit] = f[unit] * c[unit] + i[unit] * g[unit] }
        activated.update(from: nextC, count: units)
        activation.apply(activated, rows: 1, width: units)
        let nextH = kept + memory.states + step * units
        for unit in 0..<units { nextH[unit] = o[unit] * activated[unit] }
    }

    /// target (units,) += (values · factors) · matrix, of whose rows (4 · units) a gate's columns count.
    @inline(__always)
    private func add<T: Scalar>(
        _ values: UnsafePointer<T>, _ count: Int, _ factors: UnsafePointer<T>?, _ matrix: UnsafePointer<T>,
        to target: UnsafeMutablePointer<T>
    ) {
        for row in 0..<count {
            let value = factors.map { $0[row] * values[row] } ?? values[row]
            let weights = matrix + row * LSTMMemory.gateCount * units
            for unit in 0..<units { target[unit] += value * weights[unit] }
        }
    }

    /// The factors of x for a gate; `nil` where nothing is dropped.
    @inline(__always)
    func inputFactors<T: Scalar>(
        _ gate: Int, _ memory: LSTMMemory, _ kept: UnsafePointer<T>, _ training: Bool
    ) -> UnsafePointer<T>? {
        guard training, inputFactorCount > 0 else { return nil }
        return kept + memory.inputFactors + (inputFactorCount == 1 ? 0 : gate * memory.features)
    }

    @inline(__always)
    func stateFactors<T: Scalar>(
        _ gate: Int, _ memory: LSTMMemory, _ kept: UnsafePointer<T>, _ training: Bool
    ) -> UnsafePointer<T>? {
        training && stateDropout.drops ? kept + memory.stateFactors + gate * units : nil
    }
}

extension ForwardCall {
    /// Whether the mask of the first input, of `steps`, lets a step of a sample count.
    @inline(__always)
    func counts(step: Int, of steps: Int, sample: Int) -> Bool {
        guard let mask = masks.first ?? nil else { return true }
        return mask[sample * steps + step] != 0
    }
}
