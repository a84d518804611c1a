import MIOBase

/// Where forward puts what backward needs of one sample: offsets into the kept memory, in elements.
struct LSTMMemory {
    let steps: Int
    let features: Int
    let units: Int
    /// [step][i, f, g, o][unit], after their activations.
    let gates = 0
    /// The same before their activations, where a gradient is computed from that.
    let arguments: Int
    /// [step][unit]: c, activation(c), h.
    let cells: Int
    let activated: Int
    let states: Int
    /// Factors of x, [gate][feature], one gate or four; and of h, [gate][unit].
    let inputFactors: Int
    let stateFactors: Int
    let count: Int

    static let gateCount = 4

    init(_ layer: LSTM, input: Shape) {
        (steps, features, units) = (input[0], input[1], layer.units)
        let width = Self.gateCount * units
        arguments = steps * width
        cells = arguments + (layer.keepsArguments ? steps * width : 0)
        activated = cells + steps * units
        states = activated + steps * units
        inputFactors = states + steps * units
        stateFactors = inputFactors + layer.inputFactorCount * features
        count = stateFactors + layer.stateFactorCount * units
    }
}

extension LSTM {
    var inputDropout: DropoutFactors { DropoutFactors(rate: dropout) }
    var stateDropout: DropoutFactors { DropoutFactors(rate: recurrentDropout) }

    /// Keras draws factors for each gate where it drops states, and one set for all of them else.
    var inputFactorCount: Int {
        inputDropout.drops ? (recurrentDropout > 0 ? LSTMMemory.gateCount : 1) : 0
    }

    var keepsArguments: Bool {
        activation.gradientReadsArgument || recurrentActivation.gradientReadsArgument
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        // Backward: two times the gates, and the gradients by h, c, activation(c), and the output.
        LayerMemory(
            kept: LSTMMemory(self, input: inputs[0]).count, scratch: (2 * LSTMMemory.gateCount + 5) * units,
            backwardReadsOutput: false)
    }

    /// A stream for each set of factors: of x from 0 on, of h from 4 on.
    private func philox(_ stream: Int, _ context: CallContext, _ streams: RandomStreams) -> Philox {
        streams.philox(stream, seed: context.seed &+ UInt64(bitPattern: Int64(seed)))
    }

    /// Sets of factors of h.
    var stateFactorCount: Int { stateDropout.drops ? LSTMMemory.gateCount : 0 }

    /// Writes the factors of one sample's x: `inputFactorCount` times (features,); and of its h: `stateFactorCount` times
    /// (units,). Each set has a stream of its own.
    /// - Parameters:
    ///   - inputStride: elements from one set of x to the next.
    ///   - stateStride: the same of h.
    @inline(__always)
    func draw<T: Scalar>(
        _ context: CallContext, _ streams: RandomStreams, sample: Int, features: Int, inputStride: Int,
        stateStride: Int, ofInput: UnsafeMutablePointer<T>, ofState: UnsafeMutablePointer<T>
    ) {
        let position = context.firstSample + sample
        for set in 0..<inputFactorCount {
            inputDropout.draw(
                philox(set, context, streams), step: context.step, position: position, count: features,
                to: ofInput + set * inputStride)
        }
        for set in 0..<stateFactorCount {
            stateDropout.draw(
                philox(LSTMMemory.gateCount + set, context, streams), step: context.step, position: position,
                count: units, to: ofState + set * stateStride)
        }
    }
}

/// For a faster kernel.
extension LSTM {
    /// Sets of factors of x in training: none, one for all gates, or one for each.
    package var inputSets: Int { inputFactorCount }
    /// Sets of factors of h in training: none, or one for each gate.
    package var stateSets: Int { stateFactorCount }

    /// Writes the factors of one sample; see `inputSets` and `stateSets`.
    /// - Parameters:
    ///   - inputStride: elements from one set of x to the next.
    ///   - stateStride: the same of h.
    package func drawFactors(
        _ context: CallContext, _ streams: RandomStreams, sample: Int, features: Int, inputStride: Int,
        stateStride: Int, ofInput: UnsafeMutablePointer<Float>, ofState: UnsafeMutablePointer<Float>
    ) {
        draw(
            context, streams, sample: sample, features: features, inputStride: inputStride,
            stateStride: stateStride, ofInput: ofInput, ofState: ofState)
    }
}
