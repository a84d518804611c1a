import MIOBase

extension LSTM {
    /// From the last step to the first. With dh and dc, the gradients by the state after a step, a = activation(c):
    ///
    ///     do = dh · a;  dc += dh · o · activation′(c)
    ///     di = dc · g;  dg = dc · i;  df = dc · (c before);  dc ← dc · f
    ///     dz from di, df, dg, do;  dx = dz · kernelᵀ;  dh ← dz · recurrent_kernelᵀ
    ///
    /// The gradient by an output that repeats the one before it goes to that one.
    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let memory = LSTMMemory(self, input: call.forward.inputShapes[0])
        for sample in 0..<call.samples { backward(call, sample, memory) }
    }

    /// The gradients that go from step to step, each (units,), and room for a step's gates.
    private struct Flow<T: Scalar> {
        let dz: UnsafeMutablePointer<T>
        let gates: UnsafeMutablePointer<T>
        let h: UnsafeMutablePointer<T>
        let c: UnsafeMutablePointer<T>
        let activated: UnsafeMutablePointer<T>
        let output: UnsafeMutablePointer<T>
        let zeros: UnsafeMutablePointer<T>

        init(_ scratch: UnsafeMutablePointer<T>, units: Int) {
            let width = LSTMMemory.gateCount * units
            dz = scratch
            gates = dz + width
            h = gates + width
            c = h + units
            activated = c + units
            output = activated + units
            zeros = output + units
            h.update(repeating: 0, count: 5 * units)
        }
    }

    @inline(__always)
    private func backward<T: Scalar>(_ call: BackwardCall<T>, _ sample: Int, _ memory: LSTMMemory) {
        let flow = Flow(call.scratch, units: units)
        let kept = call.kept + sample * memory.count
        let hasState = call.forward.inputs.count > 1
        if returnState {
            if let dh = call.outputGradients[1] { flow.h.update(from: dh + sample * units, count: units) }
            if let dc = call.outputGradients[2] { flow.c.update(from: dc + sample * units, count: units) }
        }
        let dy = call.outputGradients[0].map { $0 + sample * (returnSequences ? memory.steps : 1) * units }
        if !returnSequences, let dy { flow.output.update(from: dy, count: units) }
        for step in stride(from: memory.steps - 1, through: 0, by: -1) {
            let position = goBackwards ? memory.steps - 1 - step : step
            if returnSequences, let dy {
                for unit in 0..<units { flow.output[unit] += dy[step * units + unit] }
            }
            guard call.forward.counts(step: position, of: memory.steps, sample: sample) else {
                if zeroOutputForMask { flow.output.update(repeating: 0, count: units) }
                continue
            }
            for unit in 0..<units { flow.h[unit] += flow.output[unit] }
            flow.output.update(repeating: 0, count: units)
            func before(_ offset: Int, _ input: Int) -> UnsafePointer<T> {
                if step > 0 { return kept + offset + (step - 1) * units }
                return hasState ? call.forward.inputs[input] + sample * units : UnsafePointer(flow.zeros)
            }
            gateGradients(flow, memory, kept, step, c: before(memory.cells, 2))
            let row = (sample * memory.steps + position) * memory.features
            addGradients(
                call, flow, memory, kept, x: call.forward.inputs[0] + row, h: before(memory.states, 1),
                dx: call.inputGradients[0].map { $0 + row })
        }
        guard hasState else { return }
        for (input, gradient) in [(1, flow.h), (2, flow.c)] {
            guard let target = call.inputGradients[input] else { continue }
            for unit in 0..<units { target[sample * units + unit] += gradient[unit] }
        }
    }

    /// dz of a step, and dc of the one before.
    @inline(__always)
    private func gateGradients<T: Scalar>(
        _ flow: Flow<T>, _ memory: LSTMMemory, _ kept: UnsafePointer<T>, _ step: Int, c: UnsafePointer<T>
    ) {
        let width = LSTMMemory.gateCount * units
        let gates = kept + memory.gates + step * width
        let arguments = keepsArguments ? kept + memory.arguments + step * width : nil
        let activated = kept + memory.activated + step * units
        let (i, f, g, o) = (gates, gates + units, gates + 2 * units, gates + 3 * units)
        for unit in 0..<units {
            flow.gates[3 * units + unit] = flow.h[unit] * activated[unit]
            flow.activated[unit] = flow.h[unit] * o[unit]
        }
        activation.addGradient(
            argument: kept + memory.cells + step * units, result: activated,
            gradient: UnsafePointer(flow.activated), to: flow.c, rows: 1, width: units)
        for unit in 0..<units {
            flow.gates[unit] = flow.c[unit] * g[unit]
            flow.gates[units + unit] = flow.c[unit] * c[unit]
            flow.gates[2 * units + unit] = flow.c[unit] * i[unit]
            flow.c[unit] *= f[unit]
        }
        flow.dz.update(repeating: 0, count: width)
        func pass(_ activation: Activation, _ gate: Int, rows: Int) {
            let offset = gate * units
            activation.addGradient(
                argument: arguments.map { $0 + offset }, result: gates + offset,
                gradient: UnsafePointer(flow.gates + offset), to: flow.dz + offset, rows: rows, width: units)
        }
        pass(recurrentActivation, 0, rows: 2)
        pass(activation, 2, rows: 1)
        pass(recurrentActivation, 3, rows: 1)
    }

    /// The weights' gradients, dx, and dh of the step before.
    @inline(__always)
    private func addGradients<T: Scalar>(
        _ call: BackwardCall<T>, _ flow: Flow<T>, _ memory: LSTMMemory, _ kept: UnsafePointer<T>,
        x: UnsafePointer<T>, h: UnsafePointer<T>, dx: UnsafeMutablePointer<T>?
    ) {
        let width = LSTMMemory.gateCount * units
        let training = call.forward.context.training
        if useBias, let bias = call.weightGradients[2] {
            for i in 0..<width { bias[i] += flow.dz[i] }
        }
        flow.h.update(repeating: 0, count: units)
        for gate in 0..<LSTMMemory.gateCount {
            let dz = UnsafePointer(flow.dz + gate * units)
            passBack(
                dz, x, memory.features, inputFactors(gate, memory, kept, training),
                call.forward.weights[0] + gate * units, to: dx,
                call.weightGradients[0].map { $0 + gate * units })
            passBack(
                dz, h, units, stateFactors(gate, memory, kept, training),
                call.forward.weights[1] + gate * units,
                to: flow.h, call.weightGradients[1].map { $0 + gate * units })
        }
    }

    /// The gradients of a gate's (values · factors) · matrix.
    @inline(__always)
    private func passBack<T: Scalar>(
        _ dz: UnsafePointer<T>, _ values: UnsafePointer<T>, _ count: Int, _ factors: UnsafePointer<T>?,
        _ matrix: UnsafePointer<T>, to gradient: UnsafeMutablePointer<T>?,
        _ matrixGradient: UnsafeMutablePointer<T>?
    ) {
        for row in 0..<count {
            let factor = factors?[row] ?? 1
            let offset = row * LSTMMemory.gateCount * units
            if let matrixGradient {
                let value = values[row] * factor
                for unit in 0..<units { matrixGradient[offset + unit] += value * dz[unit] }
            }
            if let gradient {
                var sum: T = 0
                for unit in 0..<units { sum += matrix[offset + unit] * dz[unit] }
                gradient[row] += sum * factor
            }
        }
    }
}
