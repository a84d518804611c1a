import MIOBase
import MIOConfig

/// All axes as one, in row-major order. <https://keras.io/api/layers/reshaping_layers/flatten/>
public struct Flatten: Layer {
    public static var className: String { "Flatten" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Whether the channels are the last axis of a sample, or the first one: that becomes the last one before.
    package let dataFormat: DataFormat

    /// Makes one axis of all.
    public init(dataFormat: DataFormat = .channelsLast, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.dataFormat = dataFormat
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        dataFormat = try DataFormat(from: &config)
    }

    public var config: ConfigDictionary { ["data_format": .string(dataFormat.rawValue)] }

    public var role: LayerRole { dataFormat == .channelsLast ? .alias : .computation }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return [inputs[0].count]
    }

    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        try movedResults(for: inputs)
    }

    public func movedElements(of inputs: [Shape]) -> ((Int) -> (input: Int, element: Int))? {
        let (channels, positions) = transposition(of: inputs[0])
        return { (0, $0 % channels * positions + $0 / channels) }
    }

    /// Nothing but copies.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops { LayerFlops(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    /// How a sample's elements change places: (channels, positions) become (positions, channels).
    package func transposition(of input: Shape) -> (channels: Int, positions: Int) {
        guard dataFormat == .channelsFirst, input.rank > 1, input[0] > 0 else { return (1, input.count) }
        return (input[0], input.count / input[0])
    }

    /// Visits (offset before, offset after) of every element.
    @inline(__always)
    private func forEachElement(_ input: Shape, samples: Int, _ body: (Int, Int) -> Void) {
        let (channels, positions) = transposition(of: input)
        for sample in 0..<samples {
            let base = sample * input.count
            for position in 0..<positions {
                for channel in 0..<channels {
                    body(base + channel * positions + position, base + position * channels + channel)
                }
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        forEachElement(call.inputShapes[0], samples: call.samples) {
            call.copy(1, ofInput: 0, from: $0, to: $1)
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        forEachElement(call.forward.inputShapes[0], samples: call.samples) {
            dx[$0] += call.outputGradient[$1]
        }
    }
}
