import MIOBase

/// Which elements of the two layers' outputs make an element of the merged one.
///
/// Both outputs are (samples, steps, units); the backward layer's steps lie in reverse. Without sequences there is one step.
package struct BidirectionalMerge: Sendable {
    let mode: Bidirectional.MergeMode?
    let steps: Int
    let units: Int
    /// Elements of one layer's output for a sample.
    package var count: Int { steps * units }

    package init(_ layer: Bidirectional, input: Shape) {
        mode = layer.mergeMode
        units = layer.forwardLayer.units
        steps = layer.forwardLayer.returnSequences ? input[0] : 1
    }

    /// Writes the merged output, or with no mode both in the sequence's order, from y and y′.
    @_specialize(exported:true,where T == Float)
    @_specialize(exported:true,where T == Double)
    package func forward<T: Scalar>(
        _ y: UnsafePointer<T>, _ reversed: UnsafePointer<T>, samples: Int,
        to output: UnsafeMutablePointer<T>, second: UnsafeMutablePointer<T>?
    ) {
        for row in 0..<samples * steps {
            let a = y + row * units
            let b = reversed + opposite(row) * units
            switch mode {
            case .concat:
                (output + 2 * row * units).update(from: a, count: units)
                (output + (2 * row + 1) * units).update(from: b, count: units)
            case nil:
                (output + row * units).update(from: a, count: units)
                second?.advanced(by: row * units).update(from: b, count: units)
            case .sum: for i in 0..<units { output[row * units + i] = a[i] + b[i] }
            case .ave: for i in 0..<units { output[row * units + i] = (a[i] + b[i]) / 2 }
            case .mul: for i in 0..<units { output[row * units + i] = a[i] * b[i] }
            }
        }
    }

    /// Writes the gradients by y and y′ from those by the results, of which one may be missing.
    @_specialize(exported:true,where T == Float)
    @_specialize(exported:true,where T == Double)
    package func backward<T: Scalar>(
        _ gradient: UnsafePointer<T>?, second: UnsafePointer<T>?, _ y: UnsafePointer<T>,
        _ reversed: UnsafePointer<T>, samples: Int, to dy: UnsafeMutablePointer<T>,
        _ dReversed: UnsafeMutablePointer<T>
    ) {
        for row in 0..<samples * steps {
            let (a, b) = (y + row * units, reversed + opposite(row) * units)
            let (da, db) = (dy + row * units, dReversed + opposite(row) * units)
            for i in 0..<units {
                switch mode {
                case .concat:
                    da[i] = gradient?[2 * row * units + i] ?? 0
                    db[i] = gradient?[(2 * row + 1) * units + i] ?? 0
                case nil:
                    da[i] = gradient?[row * units + i] ?? 0
                    db[i] = second?[row * units + i] ?? 0
                case .sum, .ave:
                    let g = (gradient?[row * units + i] ?? 0) / (mode == .ave ? 2 : 1)
                    (da[i], db[i]) = (g, g)
                case .mul:
                    let g = gradient?[row * units + i] ?? 0
                    (da[i], db[i]) = (g * b[i], g * a[i])
                }
            }
        }
    }

    @inline(__always)
    private func opposite(_ row: Int) -> Int { row / steps * steps + steps - 1 - row % steps }
}

extension Bidirectional {
    /// What the two layers want of memory, and where it lies. Counts are elements of one sample.
    private struct Memory {
        let layers: [LayerMemory]
        let outputShape: Shape
        var output: Int { outputShape.count }

        init(_ layer: Bidirectional, _ inputs: [Shape]) {
            let steps = layer.forwardLayer.returnSequences ? [inputs[0][0]] : []
            let shape = Shape(steps + [layer.forwardLayer.units])
            outputShape = shape
            layers = [layer.forwardLayer, layer.backwardLayer].enumerated().map { direction, one in
                one.memory(for: layer.inputs(inputs, direction: direction), output: shape)
            }
        }

        /// [forward's][backward's][y][y′]
        var kept: Int { layers[0].kept + layers[1].kept + 2 * output }
        /// [dy][dy′][of the layer that runs]
        var scratch: Int { 2 * output + max(layers[0].scratch, layers[1].scratch) }
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        let memory = Memory(self, inputs)
        return LayerMemory(
            kept: memory.kept, scratch: memory.scratch,
            backwardReadsInputs: memory.layers.contains { $0.backwardReadsInputs }, backwardReadsOutput: false
        )
    }

    private func y<T: Scalar>(_ call: ForwardCall<T>, _ memory: Memory, direction: Int)
        -> UnsafeMutablePointer<T>
    {
        call.kept + call.samples
            * (memory.layers[0].kept + memory.layers[1].kept + direction * memory.output)
    }

    private func inner<T: Scalar>(_ call: ForwardCall<T>, _ memory: Memory, direction: Int) -> ForwardCall<T>
    {
        let one = memory.layers[direction]
        let weights = call.weights.count / 2
        return ForwardCall(
            samples: call.samples, context: call.context, streams: call.streams.inside(direction),
            inputShapes: inputs(call.inputShapes, direction: direction),
            outputShapes: [memory.outputShape] + states(call.outputShapes, direction: direction),
            inputs: inputs(call.inputs, direction: direction),
            masks: call.masks.isEmpty ? [] : inputs(call.masks, direction: direction),
            weights: Array(call.weights[direction * weights..<(direction + 1) * weights]),
            outputs: [y(call, memory, direction: direction)] + states(call.outputs, direction: direction),
            kept: one.kept == 0 ? nil : call.kept + direction * call.samples * memory.layers[0].kept,
            scratch: one.scratch == 0 ? nil : call.scratch + call.samples * 2 * memory.output)
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let memory = Memory(self, call.inputShapes)
        forwardLayer.forward(inner(call, memory, direction: 0))
        backwardLayer.forward(inner(call, memory, direction: 1))
        BidirectionalMerge(self, input: call.inputShapes[0]).forward(
            y(call, memory, direction: 0), y(call, memory, direction: 1), samples: call.samples,
            to: call.outputs[0], second: outputCount > 1 ? call.outputs[1] : nil)
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let memory = Memory(self, call.forward.inputShapes)
        let gradients = [call.scratch, call.scratch + call.samples * memory.output]
        BidirectionalMerge(self, input: call.forward.inputShapes[0]).backward(
            call.outputGradients[0], second: outputCount > 1 ? call.outputGradients[1] : nil,
            y(call.forward, memory, direction: 0), y(call.forward, memory, direction: 1),
            samples: call.samples, to: gradients[0], gradients[1])
        let weights = call.weightGradients.count / 2
        for (direction, layer) in [forwardLayer, backwardLayer].enumerated() {
            layer.backward(
                BackwardCall(
                    forward: inner(call.forward, memory, direction: direction),
                    outputGradients: [UnsafePointer(gradients[direction])]
                        + states(call.outputGradients, direction: direction),
                    inputGradients: inputs(call.inputGradients, direction: direction),
                    weightGradients: Array(
                        call.weightGradients[direction * weights..<(direction + 1) * weights])))
        }
    }
}
