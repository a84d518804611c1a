import MIOBase
import MIOConfig

/// In training, sets a fraction `rate` of the elements to 0 and scales the others by 1/(1 − rate).
/// <https://keras.io/api/layers/regularization_layers/dropout/>
///
/// Which elements, is a function of (seed, step, position in the global batch, the call's name) alone: the same on any
/// number of ranks, and drawn again in backward instead of being kept.
public struct Dropout: Layer {
    public static var className: String { "Dropout" }
    public static var kerasArguments: [KerasArgument] { [.at(.null, named: "noise_shape")] }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The share of elements that are dropped.
    public let rate: Double
    /// Added to the job's seed.
    public let seed: Int

    /// Drops this share of the elements in training.
    public init(_ rate: Double, seed: Int = 0, name: String? = nil) {
        precondition((0...1).contains(rate), "a dropout rate lies from 0 to 1, not at \(rate)")
        attributes = LayerAttributes(name: name)
        self.rate = rate
        self.seed = seed
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        rate = try config.real("rate", in: 0...1)
        seed = try config.optionalInteger("seed") ?? 0
    }

    public var config: ConfigDictionary { ["rate": .real(rate), "seed": .integer(seed)] }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return inputs[0]
    }

    /// What elements that are not dropped are multiplied by.
    public var scale: Double { 1 / (1 - rate) }

    /// Of 2³² words, those below it drop an element.
    public var threshold: UInt64 { UInt64((rate * 0x1p32).rounded()) }

    /// Four elements that follow each other take the words of one counter: the step, and above it the sample's position
    /// and the number of the four.
    package func philox(seed runSeed: UInt64, _ streams: RandomStreams) -> Philox {
        streams.philox(seed: runSeed &+ UInt64(bitPattern: Int64(seed)))
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let x = call.inputs[0]
        guard call.context.training, rate > 0 else { return copyForward(call) }
        forEachElement(call) { index, factor in call.output[index] = factor == 0 ? 0 : x[index] * factor }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        guard call.forward.context.training, rate > 0 else { return copyBackward(call) }
        forEachElement(call.forward) { index, factor in
            if factor != 0 { dx[index] += call.outputGradient[index] * factor }
        }
    }

    /// Visits every element with the factor it is multiplied by: 0 or 1/(1 − rate).
    @inline(__always)
    private func forEachElement<T: Scalar>(_ call: ForwardCall<T>, _ body: (Int, T) -> Void) {
        let philox = philox(seed: call.context.seed, call.streams)
        let count = call.outputShape.count
        let (scale, threshold) = (T(scale), threshold)
        for sample in 0..<call.samples {
            let position = UInt64(call.context.firstSample + sample)
            for block in 0..<(count + 3) / 4 {
                let words = philox.words(
                    call.context.step, position << 32 | UInt64(block))
                for lane in 0..<min(4, count - block * 4) {
                    body(sample * count + block * 4 + lane, UInt64(words[lane]) < threshold ? 0 : scale)
                }
            }
        }
    }
}
