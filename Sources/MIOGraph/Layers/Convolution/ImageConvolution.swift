import MIOBase

/// A convolution as it is computed, of images with `filters` results a pixel. All layers with a window and a kernel are one:
/// a sequence is an image of one row, a depthwise convolution has as many groups as channels, and a transposed one goes the
/// other way, from the results to the image.
package struct ImageConvolution: Hashable, Sendable {
    /// Of its layer, for errors and for what a tuning is kept under.
    package let name: String
    package private(set) var geometry: WindowGeometry
    package let filters: Int
    /// Of channels, and of filters: the filters of a group see its channels alone.
    package let groups: Int
    /// Keras' word.
    package let padding: WindowPadding
    package var activation: Activation
    package var useBias: Bool

    /// A convolution of `filters` channels, each with one filter of its own, that computes the same where each channel is there
    /// as often as it has filters; `nil` if groups have several channels.
    package var depthwiseOfRepeatedChannels: ImageConvolution? {
        guard groups == channels else { return nil }
        var other = ImageConvolution(
            name: name, geometry: geometry, filters: filters, groups: filters, padding: padding,
            activation: activation, useBias: useBias)
        other.geometry.channels = filters
        return other
    }

    package var kernelSize: [Int] { [geometry.height.size, geometry.width.size] }
    package var strides: [Int] { [geometry.height.stride, geometry.width.stride] }
    package var dilation: [Int] { [geometry.height.dilation, geometry.width.dilation] }
    package var channels: Int { geometry.channels }
    /// Whether each channel has one filter of its own.
    package var isDepthwise: Bool { groups > 1 && groups == channels && groups == filters }
    package var inputShape: Shape { [geometry.height.input, geometry.width.input, channels] }
    package var outputShape: Shape { [geometry.height.output, geometry.width.output, filters] }

    // MARK: The plain implementation

    /// Visits every (input element, kernel position and channel, output position) that multiply, with their offsets; the
    /// last two are those of the first filter of the channel's group. Then it visits that group's filters.
    @inline(__always)
    private func forEachProduct(
        _ input: ImageView, _ output: ImageView, samples: Int, _ body: (Int, Int, Int) -> Void
    ) {
        let (height, width) = (geometry.height, geometry.width)
        let (channels, ownFilters) = (channels / groups, filters / groups)
        for sample in 0..<samples {
            for row in 0..<height.output {
                for column in 0..<width.output {
                    let y = output.offset(sample: sample, row: row, column: column)
                    for i in height.window(at: row) {
                        for j in width.window(at: column) {
                            let x = input.offset(
                                sample: sample, row: height.element(i, at: row),
                                column: width.element(j, at: column))
                            let kernel = (i * width.size + j) * channels * filters
                            for group in 0..<groups {
                                for channel in 0..<channels {
                                    body(
                                        x + (group * channels + channel) * input.channelStride,
                                        kernel + channel * filters + group * ownFilters,
                                        y + group * ownFilters * output.channelStride)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Sets each of an image's channels to its bias, or to 0.
    @inline(__always)
    private static func fill<T: Scalar>(
        _ y: UnsafeMutablePointer<T>, _ view: ImageView, samples: Int, _ bias: UnsafePointer<T>?
    ) {
        for sample in 0..<samples {
            for pixel in 0..<view.height * view.width {
                let offset = view.offset(sample: sample, row: 0, column: pixel)
                for channel in 0..<view.channels {
                    y[offset + channel * view.channelStride] = bias?[channel] ?? 0
                }
            }
        }
    }

    /// dBias += Σ dz over samples and pixels.
    @inline(__always)
    private static func addBias<T: Scalar>(
        _ dz: UnsafePointer<T>, _ view: ImageView, samples: Int, to dBias: UnsafeMutablePointer<T>
    ) {
        for sample in 0..<samples {
            for pixel in 0..<view.height * view.width {
                let offset = view.offset(sample: sample, row: 0, column: pixel)
                for channel in 0..<view.channels {
                    dBias[channel] += dz[offset + channel * view.channelStride]
                }
            }
        }
    }

    /// z ← x ⋆ kernel + bias. `input` and `output` say how x and z lie.
    @_specialize(where T == Float)
    @_specialize(where T == Double)
    func forward<T: Scalar>(
        samples: Int, _ input: ImageView, _ x: UnsafePointer<T>, kernel: UnsafePointer<T>,
        bias: UnsafePointer<T>?, _ output: ImageView, to z: UnsafeMutablePointer<T>
    ) {
        Self.fill(z, output, samples: samples, bias)
        let (count, stride) = (filters / groups, output.channelStride)
        forEachProduct(input, output, samples: samples) { xIndex, kernelIndex, yIndex in
            let value = x[xIndex]
            for filter in 0..<count { z[yIndex + filter * stride] += value * kernel[kernelIndex + filter] }
        }
    }

    /// dx += dz ⋆ kernelᵀ, dKernel += x ⋆ dz, dBias += Σ dz; each may be nil.
    @_specialize(where T == Float)
    @_specialize(where T == Double)
    func backward<T: Scalar>(
        samples: Int, _ input: ImageView, _ x: UnsafePointer<T>, kernel: UnsafePointer<T>,
        _ output: ImageView, _ dz: UnsafePointer<T>, dx: UnsafeMutablePointer<T>?,
        dKernel: UnsafeMutablePointer<T>?, dBias: UnsafeMutablePointer<T>?
    ) {
        if let dBias { Self.addBias(dz, output, samples: samples, to: dBias) }
        let (count, stride) = (filters / groups, output.channelStride)
        forEachProduct(input, output, samples: samples) { xIndex, kernelIndex, yIndex in
            if let dx {
                var sum: T = 0
                for filter in 0..<count { sum += dz[yIndex + filter * stride] * kernel[kernelIndex + filter] }
                dx[xIndex] += sum
            }
            if let dKernel {
                let value = x[xIndex]
                for filter in 0..<count {
                    dKernel[kernelIndex + filter] += value * dz[yIndex + filter * stride]
                }
            }
        }
    }

    /// The other way, from `filters` values a pixel to the image: z ← x ⋆ kernelᵀ + bias.
    /// - Parameters:
    ///   - input: how x lies, whose shape is `outputShape`.
    ///   - output: how z lies, whose shape is `inputShape`.
    @_specialize(where T == Float)
    @_specialize(where T == Double)
    func transposedForward<T: Scalar>(
        samples: Int, _ input: ImageView, _ x: UnsafePointer<T>, kernel: UnsafePointer<T>,
        bias: UnsafePointer<T>?, _ output: ImageView, to z: UnsafeMutablePointer<T>
    ) {
        Self.fill(z, output, samples: samples, bias)
        let (count, stride) = (filters / groups, input.channelStride)
        forEachProduct(output, input, samples: samples) { zIndex, kernelIndex, xIndex in
            var sum: T = 0
            for filter in 0..<count { sum += x[xIndex + filter * stride] * kernel[kernelIndex + filter] }
            z[zIndex] += sum
        }
    }

    /// The gradients of `transposedForward`.
    @_specialize(where T == Float)
    @_specialize(where T == Double)
    func transposedBackward<T: Scalar>(
        samples: Int, _ input: ImageView, _ x: UnsafePointer<T>, kernel: UnsafePointer<T>,
        _ output: ImageView, _ dz: UnsafePointer<T>, dx: UnsafeMutablePointer<T>?,
        dKernel: UnsafeMutablePointer<T>?, dBias: UnsafeMutablePointer<T>?
    ) {
        if let dBias { Self.addBias(dz, output, samples: samples, to: dBias) }
        let (count, stride) = (filters / groups, input.channelStride)
        forEachProduct(output, input, samples: samples) { zIndex, kernelIndex, xIndex in
            let value = dz[zIndex]
            for filter in 0..<count {
                if let dx { dx[xIndex + filter * stride] += value * kernel[kernelIndex + filter] }
                if let dKernel { dKernel[kernelIndex + filter] += value * x[xIndex + filter * stride] }
            }
        }
    }
}
