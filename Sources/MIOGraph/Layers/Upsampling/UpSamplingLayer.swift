import MIOBase
import MIOConfig

/// A layer that makes an image larger by whole factors.
package protocol UpSamplingLayer: ImageLayer {
    /// For height and width.
    var factors: (height: Int, width: Int) { get }
    var interpolation: Interpolation { get }
}

extension UpSamplingLayer {
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        let (input, factors) = (try view(inputs), factors)
        let (height, width) = (
            input.height.clampedTimes(factors.height), input.width.clampedTimes(factors.width)
        )
        guard height <= Shape.largestCount, width <= Shape.largestCount else {
            throw ShapeError("its result of \(height)×\(width) is larger than a tensor may be")
        }
        return input.resized(height: height, width: width, channels: input.channels).sample
    }

    /// Copies, or sums of a product of each pixel that an element is made of.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        switch interpolation {
        case .nearest: LayerFlops(forward: 0, backward: output.count)
        case .bilinear: LayerFlops(output.count.clampedTimes(6))
        case .bicubic: LayerFlops(output.count.clampedTimes(2 * 4 * 4))
        case .lanczos3: LayerFlops(output.count.clampedTimes(2 * 6 * 6))
        case .lanczos5: LayerFlops(output.count.clampedTimes(2 * 10 * 10))
        }
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let (input, output) = (view(checked: call.inputShapes), view(checked: [call.outputShape]))
        switch interpolation {
        case .nearest:
            input.repeatPixels(factors, call.inputs[0], output, to: call.output, samples: call.samples)
        case .bilinear, .bicubic, .lanczos3, .lanczos5:
            input.interpolate(
                interpolation, factors, call.inputs[0], output, to: call.output, samples: call.samples)
        }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        let input = view(checked: call.forward.inputShapes)
        let output = view(checked: [call.forward.outputShape])
        switch interpolation {
        case .nearest:
            input.addRepeatedGradient(factors, call.outputGradient, output, to: dx, samples: call.samples)
        case .bilinear, .bicubic, .lanczos3, .lanczos5:
            input.addInterpolatedGradient(
                interpolation, factors, call.outputGradient, output, to: dx, samples: call.samples)
        }
    }
}

/// The plain implementation of all interpolations.
extension ImageView {
    /// Visits (offset in this image, offset in the larger one) for every element of the larger one.
    @inline(__always)
    private func forEachRepeated(
        _ factors: (height: Int, width: Int), _ large: ImageView, samples: Int, _ body: (Int, Int) -> Void
    ) {
        for sample in 0..<samples {
            for row in 0..<large.height {
                for column in 0..<large.width {
                    let inner = offset(
                        sample: sample, row: row / factors.height, column: column / factors.width)
                    let outer = large.offset(sample: sample, row: row, column: column)
                    for channel in 0..<channels {
                        body(inner + channel * channelStride, outer + channel * large.channelStride)
                    }
                }
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    fileprivate func repeatPixels<T: Scalar>(
        _ factors: (height: Int, width: Int), _ x: UnsafePointer<T>, _ large: ImageView,
        to y: UnsafeMutablePointer<T>, samples: Int
    ) {
        forEachRepeated(factors, large, samples: samples) { y[$1] = x[$0] }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    fileprivate func addRepeatedGradient<T: Scalar>(
        _ factors: (height: Int, width: Int), _ dy: UnsafePointer<T>, _ large: ImageView,
        to dx: UnsafeMutablePointer<T>, samples: Int
    ) {
        forEachRepeated(factors, large, samples: samples) { dx[$0] += dy[$1] }
    }

    /// Visits (offset in this image, offset in the larger one, weight) of the pixels that every element of the larger one is
    /// made of.
    @inline(__always)
    private func forEachNeighbour(
        _ interpolation: Interpolation, _ factors: (height: Int, width: Int), _ large: ImageView,
        samples: Int,
        _ body: (Int, Int, Double) -> Void
    ) {
        let rows = interpolation.parts(height, factor: factors.height)
        let columns = interpolation.parts(width, factor: factors.width)
        for sample in 0..<samples {
            for (row, down) in rows.enumerated() {
                for (column, across) in columns.enumerated() {
                    let outer = large.offset(sample: sample, row: row, column: column)
                    for y in down {
                        for x in across {
                            let inner = offset(sample: sample, row: y.place, column: x.place)
                            for channel in 0..<channels {
                                body(
                                    inner + channel * channelStride, outer + channel * large.channelStride,
                                    y.share * x.share)
                            }
                        }
                    }
                }
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    fileprivate func interpolate<T: Scalar>(
        _ interpolation: Interpolation, _ factors: (height: Int, width: Int), _ x: UnsafePointer<T>,
        _ large: ImageView,
        to y: UnsafeMutablePointer<T>, samples: Int
    ) {
        y.update(repeating: 0, count: samples * large.sample.count)
        forEachNeighbour(interpolation, factors, large, samples: samples) { y[$1] += x[$0] * T($2) }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    fileprivate func addInterpolatedGradient<T: Scalar>(
        _ interpolation: Interpolation, _ factors: (height: Int, width: Int), _ dy: UnsafePointer<T>,
        _ large: ImageView,
        to dx: UnsafeMutablePointer<T>, samples: Int
    ) {
        forEachNeighbour(interpolation, factors, large, samples: samples) { dx[$0] += dy[$1] * T($2) }
    }
}
