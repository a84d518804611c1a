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
        count = stateFactors + (layer.stateDropout.drops ? width : 0)
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

    /// Writes the factors of one sample's x: (`inputFactorCount`, features).
    @inline(__always)
    func drawInputFactors<T: Scalar>(
        _ context: CallContext, _ streams: RandomStreams, sample: Int, features: Int,
        to factors: UnsafeMutablePointer<T>
    ) {
        for set in 0..<inputFactorCount {
            inputDropout.draw(
                philox(set, context, streams), step: context.step, position: context.firstSample + sample,
                count: features, to: factors + set * features)
        }
    }

    /// Writes the factors of one sample's h: (4, units).
    @inline(__always)
    func drawStateFactors<T: Scalar>(
        _ context: CallContext, _ streams: RandomStreams, sample: Int, to factors: UnsafeMutablePointer<T>
    ) {
        for set in 0..<LSTMMemory.gateCount {
            stateDropout.draw(
                philox(LSTMMemory.gateCount + set, context, streams), step: context.step,
                position: context.firstSample + sample, count: units, to: factors + set * units)
        }
    }
}

extension LSTM {
    /// The factors of the x of a call's samples where one set holds for all gates, (samples, features): what a faster
    /// kernel multiplies the sequence by.
    package func drawFactors(
        _ context: CallContext, _ streams: RandomStreams, samples: Int, features: Int,
        to factors: UnsafeMutablePointer<Float>
    ) {
        precondition(inputFactorCount == 1, "each gate has factors of its own")
        for sample in 0..<samples {
            drawInputFactors(
                context, streams, sample: sample, features: features, to: factors + sample * features)
        }
    }

    /// Whether x has factors in training that are the same for all gates.
    public var dropsInputs: Bool { inputFactorCount == 1 }
}
