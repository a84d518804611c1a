import CDenseLoops
import MIOGraph
import MIOPlan

/// A 1×1 convolution of a few filters over an image that lies in blocks of channels: a mask's last layer, mostly.
///
/// A library's convolution fills whole blocks of filters, or wants the image in Keras' order: each reordering reads and
/// writes as much as this whole layer. Here a pixel's answer is a dot product, and backward is one pass over the image,
/// which takes the relu before along.
final class FewFiltersKernel: Kernel {
    private static let algorithm = "dot products of pixels"
    private static let blocks = [8, 16]

    private let activation: mio_activation
    private let useBias: Bool
    private let bindings: Bindings
    private let (pixels, planes, block, channels, filters): (Int, Int, Int, Int, Int)

    static func choice(_ layer: Conv2D, _ request: KernelRequest) -> KernelChoice? {
        let arguments = layer.arguments
        guard arguments.kernelSize == [1, 1], arguments.strides == [1, 1], arguments.groups == 1,
            arguments.dataFormat == .channelsLast, arguments.filters <= Int(mio_few_units),
            case .channelBlocked(let block) = request.inputLayouts[0], blocks.contains(block),
            request.outputShape.count > 0, !request.sharesWeights
        else { return nil }
        let stride = request.inputLayouts[0].planes(of: request.inputShapes[0][2]).planes * block
        return KernelChoice(
            algorithm: algorithm, inputLayouts: request.inputLayouts,
            weightElements: [arguments.filters * stride] + (arguments.useBias ? [arguments.filters] : []),
            weightLayouts: [algorithm] + (arguments.useBias ? ["canonical"] : []),
            backwardReadsInputs: request.trainsWeights, backwardReadsOutput: arguments.activation != .linear,
            passesRelu: [request.trainsWeights])
    }

    init(_ layer: Conv2D, _ description: KernelDescription) {
        activation = layer.arguments.activation.code
        useBias = layer.arguments.useBias
        bindings = description.bindings
        let image = description.inputShapes[0]
        (pixels, channels, filters) = (image[0] * image[1], image[2], layer.arguments.filters)
        (planes, block) = description.choice.inputLayouts[0].planes(of: channels)
    }

    /// Elements from one filter's weights to the next one's.
    private var stride: Int { planes * block }

    func prepare(samples: Int) {}

    private func extent(_ pass: Pass) -> mio_few_filters {
        mio_few_filters(
            samples: Int64(pass.samples), pixels: Int64(pixels), planes: Int64(planes),
            block: Int64(block), channels: Int64(channels), filters: Int64(filters))
    }

    func forward(_ pass: Pass) {
        var extent = extent(pass)
        mio_few_filters_forward(
            &extent, bindings.inputs[0], bindings.weights[0], useBias ? bindings.weights[1] : nil,
            bindings.output)
        mio_bias_activation(
            activation, bindings.output, nil, Int64(pass.samples * pixels), Int64(filters))
    }

    func backward(_ pass: Pass) {
        guard let dz = bindings.outputGradient else { return }
        let rows = Int64(pass.samples * pixels)
        if activation != mio_activation_linear {
            mio_activation_gradient(
                activation, bindings.output, dz, rows, Int64(filters), dz, Int64(filters), nil, false)
        }
        if useBias, let dBias = bindings.weightGradients[1] {
            if !dBias.adds(in: pass) { dBias.pointer.update(repeating: 0, count: filters) }
            mio_image_relu_gradient(
                false, bindings.output, dz, Int64(pass.samples), 1, Int64(pixels), Int64(filters),
                Int64(filters), dBias.pointer)
        }
        let dKernel = bindings.weightGradients[0]
        let dx = bindings.inputGradients[0]
        let passed = bindings.passedRelu[0]
        guard dKernel != nil || dx != nil else { return }
        if let dBias = passed?.biasGradient, !dBias.adds(in: pass) {
            dBias.pointer.update(repeating: 0, count: channels)
        }
        let kind =
            switch (passed, dx?.flow) {
            case (.some, _): mio_passes_relu
            case (nil, .adds): mio_adds_gradient
            case (nil, .first): mio_gradient
            default: mio_no_gradient
            }
        var extent = extent(pass)
        mio_few_filters_backward(
            &extent, bindings.inputs[0], bindings.weights[0], dz, dKernel?.pointer,
            dKernel?.adds(in: pass) ?? false, kind, passed == nil ? dx?.pointer : bindings.inputs[0],
            passed?.biasGradient?.pointer)
    }

    // MARK: Weights

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        guard weight == 0 else { return canonical.update(from: stored, count: filters) }
        forEachElement { canonical[$0] = stored[$1] }
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        guard weight == 0 else { return stored.update(from: canonical, count: filters) }
        stored.update(repeating: 0, count: filters * stride)
        forEachElement { stored[$1] = canonical[$0] }
    }

    /// Offsets in Keras' (1, 1, channels, filters) and as it is stored.
    private func forEachElement(_ body: (Int, Int) -> Void) {
        for channel in 0..<channels {
            for filter in 0..<filters { body(channel * filters + filter, filter * stride + channel) }
        }
    }
}
