import MIOBase
import MIOConfig

/// A recurrent layer whose output is its only state, as `GRU` and `SimpleRNN` are. It says what one step does; what is
/// here goes through the steps, masks and dropout.
///
/// kernel (features, gates · units) and recurrent_kernel (units, gates · units) have their gates side by side.
package protocol OneStateLayer: RecurrentLayer {
    /// Gates side by side in the kernels.
    static var gateCount: Int { get }
    /// What Keras calls the cell that holds the weights: `gru_cell`.
    static var cellName: String { get }
    var options: RecurrentOptions { get }
    /// Elements of a step that backward needs besides the states, in units.
    var keptPerStep: Int { get }
    /// Elements that a step of backward needs for itself, in units.
    var scratchPerStep: Int { get }
    /// Of the bias.
    var biasShape: Shape { get }

    /// Computes the state after one step of one sample.
    func step<T: Scalar>(_ step: RecurrentStep<T>, to next: UnsafeMutablePointer<T>)

    /// Adds the gradients of one step of one sample.
    /// - Parameters:
    ///   - dh: the gradient by the state after the step; becomes the gradient by the state before it.
    ///   - scratch: (`scratchPerStep` · units), overwritten.
    func stepBack<T: Scalar>(
        _ step: RecurrentStep<T>, _ gradients: RecurrentGradients<T>, dh: UnsafeMutablePointer<T>,
        scratch: UnsafeMutablePointer<T>)
}

/// What one step of one sample reads, and where it keeps what its backward reads.
package struct RecurrentStep<T: Scalar> {
    package let x: UnsafePointer<T>
    /// The state before the step.
    package let h: UnsafePointer<T>
    package let weights: [UnsafePointer<T>]
    /// (`keptPerStep` · units)
    package let kept: UnsafeMutablePointer<T>
    package let features: Int
    /// Factors of x and h, (set, element); `nil` where nothing is dropped.
    let inputFactors: UnsafePointer<T>?
    let inputSets: Int
    let stateFactors: UnsafePointer<T>?

    /// The factors of x for a gate.
    @inline(__always)
    func inputFactors(_ gate: Int) -> UnsafePointer<T>? {
        inputFactors.map { $0 + (inputSets == 1 ? 0 : gate * features) }
    }

    /// The factors of h for a gate.
    @inline(__always)
    func stateFactors(_ gate: Int, units: Int) -> UnsafePointer<T>? {
        stateFactors.map { $0 + gate * units }
    }
}

/// Where one step's gradients are added; `nil` where nobody needs them.
package struct RecurrentGradients<T: Scalar> {
    package let x: UnsafeMutablePointer<T>?
    package let weights: [UnsafeMutablePointer<T>?]
}

/// A product of a row with the columns that one gate has of a matrix.
struct GateProduct {
    /// Elements of a row of the matrix.
    let width: Int
    let units: Int

    /// target (units,) += (values · factors) · matrix
    @inline(__always)
    func add<T: Scalar>(
        _ values: UnsafePointer<T>, _ count: Int, _ factors: UnsafePointer<T>?, _ matrix: UnsafePointer<T>,
        to target: UnsafeMutablePointer<T>
    ) {
        for row in 0..<count {
            let value = factors.map { $0[row] * values[row] } ?? values[row]
            let weights = matrix + row * width
            for unit in 0..<units { target[unit] += value * weights[unit] }
        }
    }

    /// The gradients of it by the values and the matrix, added.
    @inline(__always)
    func addGradients<T: Scalar>(
        of dz: UnsafePointer<T>, _ values: UnsafePointer<T>, _ count: Int, _ factors: UnsafePointer<T>?,
        _ matrix: UnsafePointer<T>, to gradient: UnsafeMutablePointer<T>?,
        _ matrixGradient: UnsafeMutablePointer<T>?
    ) {
        for row in 0..<count {
            let factor = factors?[row] ?? 1
            if let matrixGradient {
                let value = values[row] * factor
                for unit in 0..<units { matrixGradient[row * width + unit] += value * dz[unit] }
            }
            if let gradient {
                var sum: T = 0
                for unit in 0..<units { sum += matrix[row * width + unit] * dz[unit] }
                gradient[row] += sum * factor
            }
        }
    }
}

/// Where forward puts what backward needs of one sample: offsets into the kept memory, in elements.
private struct OneStateMemory {
    let steps: Int
    let features: Int
    /// [step][`keptPerStep`][unit]
    let perStep = 0
    /// [step][unit]
    let states: Int
    /// [set][feature] and [set][unit]
    let inputFactors: Int
    let stateFactors: Int
    let count: Int

    init(_ layer: some OneStateLayer, input: Shape) {
        let (options, gates) = (layer.options, type(of: layer).gateCount)
        (steps, features) = (input[0], input[1])
        states = steps * layer.keptPerStep * options.units
        inputFactors = states + steps * options.units
        stateFactors = inputFactors + options.inputSets(gates: gates) * features
        count = stateFactors + options.stateSets(gates: gates) * options.units
    }
}

extension OneStateLayer {
    public static var stateCount: Int { 1 }
    public static var kerasArguments: [KerasArgument] { RecurrentOptions.kerasArguments }
    /// The length of the last axis of the result.
    public var units: Int { options.units }
    /// Whether it gives the output of every step, and not the last one alone.
    public var returnSequences: Bool { options.returnSequences }
    /// Whether the last state is a result too.
    public var returnState: Bool { options.returnState }
    /// Whether it takes the last step first.
    public var goBackwards: Bool { options.goBackwards }

    /// Keras keeps them in a cell, whose name is part of their paths.
    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        let width = Self.gateCount * units
        let kernel = WeightDescription(
            name: "\(Self.cellName)/kernel", shape: [inputs[0].last, width],
            initializer: options.kernelInitializer, rules: options.kernelRules)
        let recurrent = WeightDescription(
            name: "\(Self.cellName)/recurrent_kernel", shape: [units, width],
            initializer: options.recurrentInitializer, rules: options.recurrentRules)
        let bias = WeightDescription(
            name: "\(Self.cellName)/bias", shape: biasShape, initializer: options.biasInitializer,
            rules: options.biasRules)
        return options.useBias ? [kernel, recurrent, bias] : [kernel, recurrent]
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        // The gradients by the state and by the output, and zeros.
        LayerMemory(
            kept: OneStateMemory(self, input: inputs[0]).count, scratch: (scratchPerStep + 3) * units,
            backwardReadsOutput: false)
    }

    /// All of them stand with the sequence.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        guard input == 0 else { return LayerFlops(0) }
        let elements = inputs[0].last.clampedTimes(1) + units
        return LayerFlops(
            inputs[0][0].clampedTimes(2 * Self.gateCount * units).clampedTimes(elements))
    }

    @inline(__always)
    private func recurrentStep<T: Scalar>(
        _ call: ForwardCall<T>, _ memory: OneStateMemory, _ kept: UnsafeMutablePointer<T>, step: Int,
        row: Int, h: UnsafePointer<T>
    ) -> RecurrentStep<T> {
        let sets = options.inputSets(gates: Self.gateCount)
        let drops = call.context.training
        return RecurrentStep(
            x: call.inputs[0] + row * memory.features, h: h, weights: call.weights,
            kept: kept + memory.perStep + step * keptPerStep * units, features: memory.features,
            inputFactors: drops && sets > 0 ? UnsafePointer(kept + memory.inputFactors) : nil,
            inputSets: sets,
            stateFactors: drops && options.stateDropout.drops
                ? UnsafePointer(kept + memory.stateFactors) : nil)
    }

    /// Goes through the steps of each sample.
    @inline(__always)
    func forwardAll<T: Scalar>(_ call: ForwardCall<T>) {
        let memory = OneStateMemory(self, input: call.inputShapes[0])
        guard call.samples > 0 else { return }  // nor is there scratch
        let zeros = call.scratch
        zeros.update(repeating: 0, count: units)
        for sample in 0..<call.samples {
            let kept = call.kept + sample * memory.count
            if call.context.training {
                options.drawFactors(
                    call.context, call.streams, sample: sample, gates: Self.gateCount,
                    features: memory.features, inputStride: memory.features,
                    stateStride: units, ofInput: kept + memory.inputFactors,
                    ofState: kept + memory.stateFactors)
            }
            let outputs = call.outputs[0] + sample * (returnSequences ? memory.steps : 1) * units
            var h = call.inputs.count > 1 ? call.inputs[1] + sample * units : UnsafePointer(zeros)
            var output = UnsafePointer(zeros)
            for step in 0..<memory.steps {
                let position = goBackwards ? memory.steps - 1 - step : step
                let next = kept + memory.states + step * units
                if call.counts(step: position, of: memory.steps, sample: sample) {
                    self.step(
                        recurrentStep(
                            call, memory, kept, step: step, row: sample * memory.steps + position, h: h),
                        to: next)
                    output = UnsafePointer(next)
                } else {
                    next.update(from: h, count: units)
                    if options.zeroOutputForMask { output = UnsafePointer(zeros) }
                }
                if returnSequences { (outputs + step * units).update(from: output, count: units) }
                h = UnsafePointer(next)
            }
            if !returnSequences { outputs.update(from: output, count: units) }
            if returnState { (call.outputs[1] + sample * units).update(from: h, count: units) }
        }
    }

    /// Goes back through the steps of each sample.
    @inline(__always)
    func backwardAll<T: Scalar>(_ call: BackwardCall<T>) {
        let memory = OneStateMemory(self, input: call.forward.inputShapes[0])
        guard call.forward.samples > 0 else { return }
        let hasState = call.forward.inputs.count > 1
        let (dh, output, zeros) = (call.scratch, call.scratch + units, call.scratch + 2 * units)
        let scratch = zeros + units
        zeros.update(repeating: 0, count: units)
        for sample in 0..<call.samples {
            let kept = call.forward.kept + sample * memory.count
            dh.update(repeating: 0, count: units)
            // The gradient by the output that steps after this one repeat.
            output.update(repeating: 0, count: units)
            if returnState, let gradient = call.outputGradients[1] {
                dh.update(from: gradient + sample * units, count: units)
            }
            let dy = call.outputGradients[0].map {
                $0 + sample * (returnSequences ? memory.steps : 1) * units
            }
            if !returnSequences, let dy { output.update(from: dy, count: units) }
            for step in stride(from: memory.steps - 1, through: 0, by: -1) {
                let position = goBackwards ? memory.steps - 1 - step : step
                if returnSequences, let dy {
                    for unit in 0..<units { output[unit] += dy[step * units + unit] }
                }
                guard call.forward.counts(step: position, of: memory.steps, sample: sample) else {
                    if options.zeroOutputForMask { output.update(repeating: 0, count: units) }
                    continue
                }
                for unit in 0..<units { dh[unit] += output[unit] }
                output.update(repeating: 0, count: units)
                let before =
                    step > 0
                    ? UnsafePointer(kept + memory.states + (step - 1) * units)
                    : hasState ? call.forward.inputs[1] + sample * units : UnsafePointer(zeros)
                let row = sample * memory.steps + position
                stepBack(
                    recurrentStep(call.forward, memory, kept, step: step, row: row, h: before),
                    RecurrentGradients(
                        x: call.inputGradients[0].map { $0 + row * memory.features },
                        weights: call.weightGradients), dh: dh, scratch: scratch)
            }
            if hasState, let target = call.inputGradients[1] {
                for unit in 0..<units { target[sample * units + unit] += dh[unit] }
            }
        }
    }
}
