import MIOBase
import MIOConfig

/// A layer that in training adds normal numbers to its input, or multiplies it by them.
///
/// The numbers are a function of (seed, step, position in the global batch, the call's name) alone, and drawn again in
/// backward. Two elements that follow each other are a pair of Box and Muller: √(−2 ln u) · cos 2πv and · sin 2πv.
public protocol NormalNoise: Layer {
    /// The numbers' standard deviation; their mean is 0, of those that multiply 1.
    var deviation: Double { get }
    /// Whether they multiply.
    var multiplies: Bool { get }
    /// Added to the job's seed.
    var seed: Int { get }
}

extension NormalNoise {
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return inputs[0]
    }

    package func philox(seed runSeed: UInt64, _ streams: RandomStreams) -> Philox {
        streams.philox(seed: runSeed &+ UInt64(bitPattern: Int64(seed)))
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    /// Visits every element with its number.
    @inline(__always)
    private func forEachElement<T: Scalar>(_ call: ForwardCall<T>, _ body: (Int, T) -> Void) {
        let philox = philox(seed: call.context.seed, call.streams)
        let (count, deviation) = (call.outputShape.count, T(deviation))
        for sample in 0..<call.samples {
            let position = UInt64(call.context.firstSample + sample)
            for block in 0..<(count + 3) / 4 {
                let words = philox.words(call.context.step, position << 32 | UInt64(block))
                for lane in 0..<min(4, count - block * 4) {
                    let u = Float(words[lane & 2] >> 8) * 0x1p-24 + 0x1p-25
                    let v = Float(words[(lane & 2) + 1] >> 8) * 0x1p-24
                    let angle = 2 * T.pi * T(v)
                    let length = T.sqrt(-2 * T.log(T(u)))
                    let normal = length * (lane & 1 == 0 ? T.cos(angle) : T.sin(angle))
                    body(sample * count + block * 4 + lane, normal * deviation)
                }
            }
        }
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        guard call.context.training, deviation > 0 else { return copyForward(call) }
        let x = call.inputs[0]
        forEachElement(call) { index, normal in
            call.output[index] = multiplies ? x[index] * (1 + normal) : x[index] + normal
        }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        guard multiplies, call.forward.context.training, deviation > 0 else { return copyBackward(call) }
        forEachElement(call.forward) { index, normal in dx[index] += call.outputGradient[index] * (1 + normal)
        }
    }
}
