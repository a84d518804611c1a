import MIOBase
import MIOConfig

/// Keras' `interpolation`.
public enum Interpolation: String, CaseIterable, Sendable {
    /// The nearest pixel: each is repeated.
    case nearest
    /// The mean of the four nearest pixels, weighted by how near their centers are.
    case bilinear
}

/// A layer that makes an image larger by whole factors.
package protocol UpSamplingLayer: ImageLayer {
    /// For height and width.
    var factors: (height: Int, width: Int) { get }
    var interpolation: Interpolation { get }
}

/// What an element of a longer axis is made of: two neighbours on the shorter one.
package struct InterpolatedElement: Hashable, Sendable {
    package let lower: Int
    package let upper: Int
    /// Of the upper one; the lower one has the rest.
    package let share: Double

    /// Where the center of element i lies on the shorter axis, (i + ½) / factor − ½, between which neighbours; at the edges
    /// there is one alone.
    package static func axis(_ count: Int, factor: Int) -> [InterpolatedElement] {
        (0..<count * factor).map { index in
            let center = (Double(index) + 0.5) / Double(factor) - 0.5
            let floor = center.rounded(.down)
            return InterpolatedElement(
                lower: max(Int(floor), 0), upper: min(Int(center.rounded(.up)), count - 1),
                share: center - floor)
        }
    }
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

    /// Copies, or three sums of a product an element.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        interpolation == .nearest
            ? LayerFlops(forward: 0, backward: output.count) : LayerFlops(output.count.clampedTimes(6))
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let (input, output) = (view(checked: call.inputShapes), view(checked: [call.outputShape]))
        switch interpolation {
        case .nearest:
            input.repeatPixels(factors, call.inputs[0], output, to: call.output, samples: call.samples)
        case .bilinear:
            input.interpolate(factors, call.inputs[0], output, to: call.output, samples: call.samples)
        }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        let input = view(checked: call.forward.inputShapes)
        let output = view(checked: [call.forward.outputShape])
        switch interpolation {
        case .nearest:
            input.addRepeatedGradient(factors, call.outputGradient, output, to: dx, samples: call.samples)
        case .bilinear:
            input.addInterpolatedGradient(
                factors, call.outputGradient, output, to: dx, samples: call.samples)
        }
    }
}

/// The plain implementation of both interpolations.
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

    /// Visits (offset in this image, offset in the larger one, weight) of the four neighbours of every element of the larger
    /// one.
    @inline(__always)
    private func forEachNeighbour(
        _ factors: (height: Int, width: Int), _ large: ImageView, samples: Int,
        _ body: (Int, Int, Double) -> Void
    ) {
        let rows = InterpolatedElement.axis(height, factor: factors.height)
        let columns = InterpolatedElement.axis(width, factor: factors.width)
        for sample in 0..<samples {
            for (row, place) in rows.enumerated() {
                for (column, across) in columns.enumerated() {
                    let outer = large.offset(sample: sample, row: row, column: column)
                    for (y, share) in [(place.lower, 1 - place.share), (place.upper, place.share)] {
                        for (x, part) in [(across.lower, 1 - across.share), (across.upper, across.share)] {
                            let inner = offset(sample: sample, row: y, column: x)
                            for channel in 0..<channels {
                                body(
                                    inner + channel * channelStride, outer + channel * large.channelStride,
                                    share * part)
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
        _ factors: (height: Int, width: Int), _ x: UnsafePointer<T>, _ large: ImageView,
        to y: UnsafeMutablePointer<T>, samples: Int
    ) {
        y.update(repeating: 0, count: samples * large.sample.count)
        forEachNeighbour(factors, large, samples: samples) { y[$1] += x[$0] * T($2) }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    fileprivate func addInterpolatedGradient<T: Scalar>(
        _ factors: (height: Int, width: Int), _ dy: UnsafePointer<T>, _ large: ImageView,
        to dx: UnsafeMutablePointer<T>, samples: Int
    ) {
        forEachNeighbour(factors, large, samples: samples) { dx[$0] += dy[$1] * T($2) }
    }
}
