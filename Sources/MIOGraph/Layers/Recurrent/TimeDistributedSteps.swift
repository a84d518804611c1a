import MIOBase

/// A layer that needs sums over the whole batch is called on each step by itself, as in Keras: a step is normalized by the
/// same step of all samples, and the moving averages move once a step of the sequence, from the first to the last.
///
/// The samples of a step do not lie together. They are brought together in the scratch memory and back.
extension TimeDistributed {
    public func batchSums(for inputs: [Shape]) -> BatchSums? {
        let steps = inputs[0][0]
        return layer.batchSums(for: inputs.map(step)).map {
            BatchSums(forward: steps.clampedTimes($0.forward), backward: steps.clampedTimes($0.backward))
        }
    }

    public func updateState(
        _ state: [UnsafeMutablePointer<Float>], inputShapes: [Shape], isMasked: Bool,
        sums: UnsafePointer<Double>
    ) {
        let shapes = inputShapes.map(step)
        let numbers = layer.batchSums(for: shapes)?.forward ?? 0
        for step in 0..<inputShapes[0][0] {
            layer.updateState(state, inputShapes: shapes, isMasked: isMasked, sums: sums + step * numbers)
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func addForwardSums<T: Scalar>(_ call: ForwardCall<T>, to sums: UnsafeMutablePointer<Double>) {
        let one = TimeDistributedStep(self, call)
        for step in 0..<one.steps {
            layer.addForwardSums(one.forward(step), to: sums + step * one.sums.forward)
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func addBackwardSums<T: Scalar>(_ call: BackwardCall<T>, to sums: UnsafeMutablePointer<Double>) {
        let one = TimeDistributedStep(self, call.forward)
        for step in 0..<one.steps {
            layer.addBackwardSums(
                one.backward(step, call, inputGradient: nil), to: sums + step * one.sums.backward)
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    func forwardByStep<T: Scalar>(_ call: ForwardCall<T>) {
        let one = TimeDistributedStep(self, call)
        for step in 0..<one.steps {
            layer.forward(one.forward(step))
            one.scatter(one.output, step, one.outputCount, to: call.output)
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    func backwardByStep<T: Scalar>(_ call: BackwardCall<T>) {
        let one = TimeDistributedStep(self, call.forward)
        for step in 0..<one.steps {
            guard let gradient = call.inputGradients[0] else {
                layer.backward(one.backward(step, call, inputGradient: nil))
                continue
            }
            one.gather(UnsafePointer(gradient), step, one.inputCount, to: one.inputGradient)
            layer.backward(one.backward(step, call, inputGradient: one.inputGradient))
            one.scatter(one.inputGradient, step, one.inputCount, to: gradient)
        }
    }

    /// Elements of the scratch memory, for one sample, in which a step is brought together: x, y, dy, dx, and a mask of no more
    /// positions than x has elements.
    func elementsOfStep(input: Shape, output: Shape) -> Int {
        3 * step(input).count + 2 * step(output).count
    }
}

/// One step of all samples of a call, brought together.
private struct TimeDistributedStep<T: Scalar> {
    private let wrapper: TimeDistributed
    private let call: ForwardCall<T>
    private let memory: LayerMemory
    private let shapes: (input: Shape, output: Shape)
    /// Of a step.
    let sums: BatchSums
    let steps: Int
    /// Elements of a step of one sample.
    let inputCount: Int
    let outputCount: Int
    private let positions: Int
    private let input: UnsafeMutablePointer<T>
    let output: UnsafeMutablePointer<T>
    private let outputGradient: UnsafeMutablePointer<T>
    let inputGradient: UnsafeMutablePointer<T>
    private let mask: UnsafeMutablePointer<T>

    init(_ wrapper: TimeDistributed, _ call: ForwardCall<T>) {
        self.wrapper = wrapper
        self.call = call
        steps = call.inputShapes[0][0]
        shapes = (wrapper.step(call.inputShapes[0]), wrapper.step(call.outputShape))
        guard let sums = wrapper.layer.batchSums(for: [shapes.input]) else {
            preconditionFailure("\(type(of: wrapper.layer).className) asks for no sums over the batch")
        }
        self.sums = sums
        memory = wrapper.layer.memory(for: [shapes.input], output: shapes.output)
        (inputCount, outputCount) = (shapes.input.count, shapes.output.count)
        // A mask has the axes of a step but the last one.
        positions = inputCount / max(shapes.input.last, 1)
        input = call.scratch + call.samples * steps * memory.scratch
        output = input + call.samples * inputCount
        outputGradient = output + call.samples * outputCount
        inputGradient = outputGradient + call.samples * outputCount
        mask = inputGradient + call.samples * inputCount
    }

    @inline(__always)
    func gather(_ values: UnsafePointer<T>, _ step: Int, _ count: Int, to target: UnsafeMutablePointer<T>) {
        for sample in 0..<call.samples {
            (target + sample * count).update(from: values + (sample * steps + step) * count, count: count)
        }
    }

    @inline(__always)
    func scatter(
        _ values: UnsafeMutablePointer<T>, _ step: Int, _ count: Int, to target: UnsafeMutablePointer<T>
    ) {
        for sample in 0..<call.samples {
            (target + (sample * steps + step) * count).update(from: values + sample * count, count: count)
        }
    }

    /// The call of the layer on a step.
    @inline(__always)
    func forward(_ step: Int) -> ForwardCall<T> {
        gather(call.inputs[0], step, inputCount, to: input)
        let masks = call.masks.map { mask -> UnsafePointer<T>? in
            guard let mask else { return nil }
            gather(mask, step, positions, to: self.mask)
            return UnsafePointer(self.mask)
        }
        return ForwardCall(
            samples: call.samples, context: call.context, streams: call.streams, inputShapes: [shapes.input],
            outputShapes: [shapes.output], inputs: [UnsafePointer(input)], masks: masks,
            weights: call.weights, outputs: [output],
            batchSums: call.batchSums.map { $0 + step * sums.forward },
            kept: memory.kept == 0 ? nil : call.kept + step * call.samples * memory.kept,
            scratch: memory.scratch == 0 ? nil : call.scratch)
    }

    @inline(__always)
    func backward(_ step: Int, _ call: BackwardCall<T>, inputGradient: UnsafeMutablePointer<T>?)
        -> BackwardCall<T>
    {
        if memory.backwardReadsOutput {
            gather(UnsafePointer(call.forward.output), step, outputCount, to: output)
        }
        gather(call.outputGradient, step, outputCount, to: outputGradient)
        return BackwardCall(
            forward: forward(step), outputGradients: [UnsafePointer(outputGradient)],
            inputGradients: [inputGradient], weightGradients: call.weightGradients,
            batchSums: call.batchSums.map { $0 + step * sums.backward })
    }
}
