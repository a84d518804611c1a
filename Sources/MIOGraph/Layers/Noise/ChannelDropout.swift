import MIOBase
import MIOConfig

/// A layer that in training drops whole channels, and scales the others by 1/(1 − rate).
///
/// Which channels, is a function of (seed, step, position in the global batch, the call's name) alone, as with `Dropout`.
public protocol ChannelDropout: Layer {
    /// The axes of a sample.
    static var axes: Int { get }
    /// The share of channels that are dropped.
    var rate: Double { get }
    /// Added to the job's seed.
    var seed: Int { get }
    /// Where the channels are.
    var dataFormat: DataFormat { get }
    /// The channels of a sample as a tensor that is repeated over all other axes.
    func channels(of shape: Shape) -> Shape
}

extension ChannelDropout {
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank == Self.axes else {
            throw ShapeError(expected: "one tensor of \(Self.axes) axes", received: inputs)
        }
        return inputs[0]
    }

    public func channels(of shape: Shape) -> Shape {
        let axis = dataFormat == .channelsFirst ? 0 : shape.rank - 1
        return Shape(shape.dimensions.indices.map { $0 == axis ? shape[$0] : 1 })
    }

    package func philox(seed runSeed: UInt64, _ streams: RandomStreams) -> Philox {
        streams.philox(seed: runSeed &+ UInt64(bitPattern: Int64(seed)))
    }

    /// What a channel is multiplied by: 0, or 1/(1 − rate).
    package func factor(_ word: UInt32) -> Double {
        UInt64(word) < Dropout.threshold(rate: rate) ? 0 : 1 / (1 - rate)
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    /// In scratch the factors.
    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(
            scratch: channels(of: output).count, backwardReadsInputs: false, backwardReadsOutput: false)
    }

    /// Visits every element of all samples with what it is multiplied by.
    @inline(__always)
    private func forEachElement<T: Scalar>(_ call: ForwardCall<T>, _ body: (Int, T) -> Void) {
        let shape = call.outputShape
        let channels = channels(of: shape)
        let broadcast = Broadcast([shape, channels], to: shape)
        call.forEachWord(philox(seed: call.context.seed, call.streams), count: channels.count) {
            index, word in
            call.scratch[index] = T(factor(word))
        }
        for sample in 0..<call.samples {
            for element in 0..<shape.count {
                let place = sample * channels.count + broadcast.place(of: element, in: 1)
                body(sample * shape.count + element, call.scratch[place])
            }
        }
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        guard call.context.training, rate > 0 else { return copyForward(call) }
        forEachElement(call) { index, factor in
            call.output[index] = factor == 0 ? 0 : call.inputs[0][index] * factor
        }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        guard call.forward.context.training, rate > 0 else { return copyBackward(call) }
        forEachElement(call.forward) { index, factor in
            if factor != 0 { dx[index] += call.outputGradient[index] * factor }
        }
    }
}
