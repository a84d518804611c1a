import MIOBase
import MIOConfig

/// A layer that in training drops elements, each by itself, and scales the others.
///
/// Which elements, is a function of (seed, step, position in the global batch, the call's name) alone: the same on any
/// number of ranks, and drawn again in backward instead of being kept.
public protocol ElementDropout: Layer {
    /// The share of elements that are dropped.
    var rate: Double { get }
    /// Added to the job's seed.
    var seed: Int { get }
    /// An element x that is not dropped becomes x · scale + shift.
    var scale: Double { get }
    /// An element x that is not dropped becomes x · scale + shift.
    var shift: Double { get }
    /// What an element becomes that is dropped.
    var dropped: Double { get }
}

extension ElementDropout {
    public var shift: Double { 0 }
    public var dropped: Double { 0 }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return inputs[0]
    }

    /// Of 2³² words, those below it drop an element.
    public var threshold: UInt64 { Dropout.threshold(rate: rate) }

    /// Four elements that follow each other take the words of one counter: the step, and above it the sample's position
    /// and the number of the four.
    package func philox(seed runSeed: UInt64, _ streams: RandomStreams) -> Philox {
        streams.philox(seed: runSeed &+ UInt64(bitPattern: Int64(seed)))
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) { dropForward(call) }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) { dropBackward(call) }

    func dropForward<T: Scalar>(_ call: ForwardCall<T>) {
        let x = call.inputs[0]
        guard call.context.training, rate > 0 else { return copyForward(call) }
        let (scale, shift, dropped, threshold) = (T(scale), T(shift), T(dropped), threshold)
        call.forEachWord(philox(seed: call.context.seed, call.streams), count: call.outputShape.count) {
            index, word in
            call.output[index] = UInt64(word) < threshold ? dropped : x[index] * scale + shift
        }
    }

    func dropBackward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        guard call.forward.context.training, rate > 0 else { return copyBackward(call) }
        let (scale, threshold) = (T(scale), threshold)
        let philox = philox(seed: call.forward.context.seed, call.forward.streams)
        call.forward.forEachWord(philox, count: call.forward.outputShape.count) { index, word in
            if UInt64(word) >= threshold { dx[index] += call.outputGradient[index] * scale }
        }
    }
}

extension Dropout {
    /// Of 2³² words, those below it drop an element.
    static func threshold(rate: Double) -> UInt64 { UInt64((rate * 0x1p32).rounded()) }
}

extension ForwardCall {
    /// Visits `count` elements of each sample with a random word for each: four that follow each other take the words of one
    /// counter, the step and above it the sample's position and the number of the four.
    @inline(__always)
    func forEachWord(_ philox: Philox, count: Int, _ body: (_ index: Int, _ word: UInt32) -> Void) {
        for sample in 0..<samples {
            let position = UInt64(context.firstSample + sample)
            for block in 0..<(count + 3) / 4 {
                let words = philox.words(context.step, position << 32 | UInt64(block))
                for lane in 0..<min(4, count - block * 4) {
                    body(sample * count + block * 4 + lane, words[lane])
                }
            }
        }
    }
}
