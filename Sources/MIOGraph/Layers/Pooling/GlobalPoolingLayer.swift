import MIOBase
import MIOConfig

/// The arguments that Keras' global poolings have.
package struct GlobalPoolingArguments: Hashable, Sendable {
    /// Whether the channels are the last axis of a sample, or the first one.
    package var dataFormat: DataFormat
    /// Whether the spatial axes stay, with one element each.
    package let keepdims: Bool

    init(dataFormat: DataFormat, keepdims: Bool) {
        self.dataFormat = dataFormat
        self.keepdims = keepdims
    }

    init(from config: inout ConfigReader) throws(ConfigError) {
        dataFormat = try DataFormat(from: &config)
        keepdims = try config.boolean("keepdims", default: false)
    }

    var config: ConfigDictionary {
        ["data_format": .string(dataFormat.rawValue), "keepdims": .boolean(keepdims)]
    }
}

/// A layer that makes one number of each channel: its largest, or the mean.
package protocol GlobalPoolingLayer: ImageLayer {
    /// Whether it takes the largest; the mean otherwise.
    static var isMaximum: Bool { get }
    var arguments: GlobalPoolingArguments { get set }
}

extension GlobalPoolingLayer {
    public var config: ConfigDictionary { arguments.config }

    package var dataFormat: DataFormat {
        get { arguments.dataFormat }
        set { arguments.dataFormat = newValue }
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        let input = try view(inputs)
        guard input.height * input.width > 0 else {
            throw ShapeError(expected: "a tensor with elements", received: inputs)
        }
        return arguments.keepdims
            ? input.resized(height: 1, width: 1, channels: input.channels).sample : [input.channels]
    }

    /// The mean reads nothing; the largest element is found again.
    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(backwardReadsInputs: Self.isMaximum, backwardReadsOutput: Self.isMaximum)
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let input = view(checked: call.inputShapes)
        if Self.isMaximum {
            input.maximum(call.inputs[0], to: call.output, samples: call.samples)
        } else {
            input.mean(
                call.inputs[0], mask: readsMasks ? call.masks.first ?? nil : nil, to: call.output,
                samples: call.samples)
        }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        let input = view(checked: call.forward.inputShapes)
        if Self.isMaximum {
            input.addMaximumGradient(
                call.outputGradient, of: call.forward.inputs[0], call.forward.output, to: dx,
                samples: call.samples)
        } else {
            input.addMeanGradient(
                call.outputGradient, mask: readsMasks ? call.forward.masks.first ?? nil : nil, to: dx,
                samples: call.samples)
        }
    }
}

/// The plain implementation of both global poolings. Results are (samples, channels), whatever the format.
extension ImageView {
    private var pixels: Int { height * width }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    fileprivate func maximum<T: Scalar>(_ x: UnsafePointer<T>, to y: UnsafeMutablePointer<T>, samples: Int) {
        for sample in 0..<samples {
            for channel in 0..<channels {
                var best = -T.infinity
                for pixel in 0..<pixels {
                    let value = x[offset(sample: sample, row: 0, column: pixel) + channel * channelStride]
                    // A NaN stays.
                    if value > best || value != value { best = value }
                    if best != best { break }
                }
                y[sample * channels + channel] = best
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    fileprivate func addMaximumGradient<T: Scalar>(
        _ dy: UnsafePointer<T>, of x: UnsafePointer<T>, _ y: UnsafePointer<T>,
        to dx: UnsafeMutablePointer<T>, samples: Int
    ) {
        for sample in 0..<samples {
            for channel in 0..<channels {
                let result = sample * channels + channel
                var count: T = 0
                for pixel in 0..<pixels
                where x[offset(sample: sample, row: 0, column: pixel) + channel * channelStride] == y[result]
                {
                    count += 1
                }
                for pixel in 0..<pixels {
                    let index = offset(sample: sample, row: 0, column: pixel) + channel * channelStride
                    if x[index] == y[result] { dx[index] += dy[result] / count }
                }
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    fileprivate func mean<T: Scalar>(
        _ x: UnsafePointer<T>, mask: UnsafePointer<T>?, to y: UnsafeMutablePointer<T>, samples: Int
    ) {
        y.update(repeating: 0, count: samples * channels)
        for sample in 0..<samples {
            var count: T = 0
            for pixel in 0..<pixels where mask.map({ $0[sample * pixels + pixel] != 0 }) ?? true {
                count += 1
                let index = offset(sample: sample, row: 0, column: pixel)
                for channel in 0..<channels {
                    y[sample * channels + channel] += x[index + channel * channelStride]
                }
            }
            for channel in 0..<channels { y[sample * channels + channel] /= count }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    fileprivate func addMeanGradient<T: Scalar>(
        _ dy: UnsafePointer<T>, mask: UnsafePointer<T>?, to dx: UnsafeMutablePointer<T>, samples: Int
    ) {
        for sample in 0..<samples {
            var count: T = 0
            for pixel in 0..<pixels where mask.map({ $0[sample * pixels + pixel] != 0 }) ?? true {
                count += 1
            }
            for pixel in 0..<pixels where mask.map({ $0[sample * pixels + pixel] != 0 }) ?? true {
                let index = offset(sample: sample, row: 0, column: pixel)
                for channel in 0..<channels {
                    dx[index + channel * channelStride] += dy[sample * channels + channel] / count
                }
            }
        }
    }
}
