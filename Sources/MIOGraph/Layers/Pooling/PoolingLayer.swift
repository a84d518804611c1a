import MIOBase
import MIOConfig

/// The arguments that Keras' poolings have.
package struct PoolingArguments: Hashable, Sendable {
    /// The window's size, for each spatial axis.
    package let poolSize: [Int]
    /// From one window to the next, for each spatial axis; the window's size unless given.
    package let strides: [Int]
    /// Whether windows reach over the edge; what lies there counts for nothing.
    package let padding: Padding
    /// Whether the channels are the last axis of a sample, or the first one.
    package var dataFormat: DataFormat

    /// - Precondition: size and strides are positive numbers, one for each spatial axis.
    init(poolSize: [Int], strides: [Int]?, padding: Padding, dataFormat: DataFormat) {
        let strides = strides ?? poolSize
        precondition(
            strides.count == poolSize.count && (poolSize + strides).allSatisfy { $0 >= 1 },
            "a pooling needs a positive size and strides, one for each axis")
        self.poolSize = poolSize
        self.strides = strides
        self.padding = padding
        self.dataFormat = dataFormat
    }

    /// Reads Keras' arguments.
    /// - Parameter size: the default of the pool's size; `nil` if it must be given.
    init(spatialAxes: Int, defaultSize size: Int?, from config: inout ConfigReader) throws(ConfigError) {
        let largest = Int(Int32.max)
        poolSize = try config.integers(
            "pool_size", count: spatialAxes, default: size.map { [Int](repeating: $0, count: spatialAxes) },
            atLeast: 1, atMost: largest)
        config.describe(
            "strides",
            spatialAxes == 1
                ? "an integer of at least 1" : "an integer of at least 1, or a list of 2 of them",
            default: "pool_size")
        strides =
            config.value("strides") == nil
            ? poolSize
            : try config.integers("strides", count: spatialAxes, atLeast: 1, atMost: largest)
        padding = try config.choice("padding", default: .valid)
        dataFormat = try DataFormat(from: &config)
    }

    var config: ConfigDictionary {
        [
            "pool_size": ConfigValue(poolSize), "padding": .string(padding.rawValue),
            "strides": ConfigValue(strides), "data_format": .string(dataFormat.rawValue),
        ]
    }

    func geometry(_ view: ImageView) throws(ShapeError) -> WindowGeometry {
        try WindowGeometry(view, size: poolSize, strides: strides, padding: WindowPadding(padding))
    }
}

/// A layer that makes one number of each window of each channel: its largest, or the mean.
package protocol PoolingLayer: ImageLayer {
    /// Whether it takes the largest; the mean otherwise.
    static var isMaximum: Bool { get }
    var arguments: PoolingArguments { get set }
}

extension PoolingLayer {
    public var config: ConfigDictionary { arguments.config }

    package var dataFormat: DataFormat {
        get { arguments.dataFormat }
        set { arguments.dataFormat = newValue }
    }

    /// Where the windows lie on an input of these shapes.
    package func geometry(for inputs: [Shape]) throws(ShapeError) -> WindowGeometry {
        try arguments.geometry(try view(inputs))
    }

    /// Of comparisons, where the gradient goes to one element of each window, or of sums.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        let window = arguments.poolSize.reduce(output.count) { $0.clampedTimes($1) }
        return LayerFlops(forward: window, backward: Self.isMaximum ? output.count : window)
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        let geometry = try geometry(for: inputs)
        return try view(inputs).resized(
            height: geometry.height.output, width: geometry.width.output, channels: geometry.channels
        ).sample
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(backwardReadsInputs: Self.isMaximum, backwardReadsOutput: false)
    }

    /// How a call's tensors lie, and its windows.
    private func pooling(_ inputs: [Shape]) -> PlainPooling {
        let input = view(checked: inputs)
        guard let geometry = try? arguments.geometry(input) else {
            preconditionFailure("a call that the graph has checked")
        }
        let output = input.resized(
            height: geometry.height.output, width: geometry.width.output, channels: input.channels)
        return PlainPooling(geometry: geometry, input: input, output: output)
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let pooling = pooling(call.inputShapes)
        if Self.isMaximum {
            pooling.maximum(call.inputs[0], to: call.output, samples: call.samples)
        } else {
            pooling.mean(call.inputs[0], to: call.output, samples: call.samples)
        }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        let pooling = pooling(call.forward.inputShapes)
        if Self.isMaximum {
            pooling.addMaximumGradient(
                call.outputGradient, of: call.forward.inputs[0], to: dx, samples: call.samples)
        } else {
            pooling.addMeanGradient(call.outputGradient, to: dx, samples: call.samples)
        }
    }
}

/// The plain implementation of both poolings.
struct PlainPooling {
    let geometry: WindowGeometry
    let input: ImageView
    let output: ImageView

    /// Visits the windows: where each one's first channel is in the output, and its rows and columns of the input.
    @inline(__always)
    private func forEachWindow(
        samples: Int,
        _ body: (_ output: Int, _ sample: Int, _ rows: Range<Int>, _ columns: Range<Int>) -> Void
    ) {
        let (height, width) = (geometry.height, geometry.width)
        for sample in 0..<samples {
            for row in 0..<height.output {
                let i = height.window(at: row)
                let rows = height.element(i.lowerBound, at: row)..<height.element(i.upperBound, at: row)
                for column in 0..<width.output {
                    let j = width.window(at: column)
                    let columns =
                        width.element(j.lowerBound, at: column)..<width.element(j.upperBound, at: column)
                    body(output.offset(sample: sample, row: row, column: column), sample, rows, columns)
                }
            }
        }
    }

    /// Visits (offset of the largest input, offset of the output) of every window.
    @inline(__always)
    private func forEachLargest<T: Scalar>(
        _ x: UnsafePointer<T>, samples: Int, _ body: (Int, Int) -> Void
    ) {
        forEachWindow(samples: samples) { target, sample, rows, columns in
            for channel in 0..<input.channels {
                var best = -1
                for row in rows {
                    for column in columns {
                        let index =
                            input.offset(sample: sample, row: row, column: column)
                            + channel * input.channelStride
                        // A NaN is the largest of all: it must not vanish.
                        if best < 0 || x[index] > x[best] || (x[index] != x[index] && x[best] == x[best]) {
                            best = index
                        }
                    }
                }
                body(best, target + channel * output.channelStride)
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    func maximum<T: Scalar>(_ x: UnsafePointer<T>, to y: UnsafeMutablePointer<T>, samples: Int) {
        forEachLargest(x, samples: samples) { y[$1] = x[$0] }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    func addMaximumGradient<T: Scalar>(
        _ dy: UnsafePointer<T>, of x: UnsafePointer<T>, to dx: UnsafeMutablePointer<T>, samples: Int
    ) {
        forEachLargest(x, samples: samples) { dx[$0] += dy[$1] }
    }

    /// Visits (offset of an input, offset of the output, elements of the window) of every element of every window.
    @inline(__always)
    private func forEachElement(samples: Int, _ body: (Int, Int, Int) -> Void) {
        forEachWindow(samples: samples) { target, sample, rows, columns in
            for row in rows {
                for column in columns {
                    let index = input.offset(sample: sample, row: row, column: column)
                    for channel in 0..<input.channels {
                        body(
                            index + channel * input.channelStride, target + channel * output.channelStride,
                            rows.count * columns.count)
                    }
                }
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    func mean<T: Scalar>(_ x: UnsafePointer<T>, to y: UnsafeMutablePointer<T>, samples: Int) {
        y.update(repeating: 0, count: samples * output.sample.count)
        forEachElement(samples: samples) { y[$1] += x[$0] / T($2) }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    func addMeanGradient<T: Scalar>(_ dy: UnsafePointer<T>, to dx: UnsafeMutablePointer<T>, samples: Int) {
        forEachElement(samples: samples) { dx[$0] += dy[$1] / T($2) }
    }
}
