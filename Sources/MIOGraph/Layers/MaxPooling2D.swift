import MIOBase
import MIOConfig

/// The largest value of each window, channel by channel.
/// <https://keras.io/api/layers/pooling_layers/max_pooling2d/>
///
/// x (height, width, channels) → y (height′, width′, channels). The gradient goes to the first largest
/// element of the window in row-major order.
public struct MaxPooling2D: Layer {
    public static var className: String { "MaxPooling2D" }
    public static var kerasArguments: [KerasArgument] { .ofImages }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Height and width.
    public let poolSize: [Int]
    /// From one window to the next, for each axis of the image.
    public let strides: [Int]
    /// Whether windows reach over the image's edge.
    public let padding: Padding

    /// - Parameter strides: the pool's size unless given.
    public init(poolSize: Int = 2, strides: Int? = nil, padding: Padding = .valid, name: String? = nil) {
        precondition(poolSize >= 1 && strides ?? 1 >= 1, "MaxPooling2D needs a positive size and strides")
        attributes = LayerAttributes(name: name)
        self.poolSize = [poolSize, poolSize]
        self.strides = [strides ?? poolSize, strides ?? poolSize]
        self.padding = padding
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        poolSize = try config.integers(
            "pool_size", count: 2, default: [2, 2], atLeast: 1, atMost: Self.largestArgument)
        config.describe("strides", "an integer of at least 1, or a list of 2 of them", default: "pool_size")
        strides =
            config.value("strides") == nil
            ? poolSize
            : try config.integers("strides", count: 2, atLeast: 1, atMost: Self.largestArgument)
        padding = try config.choice("padding", default: .valid)
    }

    public var config: ConfigDictionary {
        [
            "pool_size": ConfigValue(poolSize), "padding": .string(padding.rawValue),
            "strides": ConfigValue(strides),
        ]
    }

    /// Comparisons; the gradient goes to one element of each window.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        LayerFlops(
            forward: output.count.clampedTimes(poolSize[0]).clampedTimes(poolSize[1]), backward: output.count)
    }

    package func geometry(for inputs: [Shape]) throws(ShapeError) -> WindowGeometry {
        try WindowGeometry(inputs: inputs, size: poolSize, strides: strides, padding: padding)
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        let geometry = try geometry(for: inputs)
        return [geometry.height.output, geometry.width.output, geometry.channels]
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(backwardReadsOutput: false)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let x = call.inputs[0]
        forEachLargest(x, shapes: call.inputShapes, samples: call.samples) { call.output[$1] = x[$0] }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        forEachLargest(call.forward.inputs[0], shapes: call.forward.inputShapes, samples: call.samples) {
            dx[$0] += call.outputGradient[$1]
        }
    }

    /// Visits (offset of the largest input, offset of the output) of every window.
    @inline(__always)
    private func forEachLargest<T: Scalar>(
        _ x: UnsafePointer<T>, shapes: [Shape], samples: Int, _ body: (Int, Int) -> Void
    ) {
        let geometry = WindowGeometry(
            checked: shapes, size: poolSize, strides: strides, padding: padding)
        let (height, width, channels) = (geometry.height, geometry.width, geometry.channels)
        for sample in 0..<samples {
            for row in 0..<height.output {
                for column in 0..<width.output {
                    for channel in 0..<channels {
                        var best = -1
                        for i in height.window(at: row) {
                            let xRow = row * height.stride - height.before + i
                            for j in width.window(at: column) {
                                let xColumn = column * width.stride - width.before + j
                                let index =
                                    ((sample * height.input + xRow) * width.input + xColumn) * channels
                                    + channel
                                // A NaN is the largest of all: it must not vanish.
                                if best < 0 || x[index] > x[best]
                                    || (x[index] != x[index] && x[best] == x[best])
                                {
                                    best = index
                                }
                            }
                        }
                        body(
                            best,
                            ((sample * height.output + row) * width.output + column) * channels + channel)
                    }
                }
            }
        }
    }
}
