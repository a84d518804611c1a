import COneDNN
import MIOBase
import MIOGraph
import MIOPlan

/// The passes of a convolution by oneDNN with factors rounded to bfloat16, in one order of the images; sums and results
/// have 32 bits.
struct RoundedConvolution {
    let forward: PrimitiveDescriptor
    /// `nil` where the gradient is not needed, or oneDNN has plain loops only.
    let backwardWeights: PrimitiveDescriptor?
    let backwardData: PrimitiveDescriptor?

    /// `nil` if oneDNN has no code for it beyond plain loops.
    init?(
        _ candidate: ConvolutionCandidate, _ request: Convolution.Request, _ geometry: WindowGeometry,
        samples: Int, _ engine: OneDNNEngine
    ) throws(KernelError) {
        guard engine.hasAVX512 else { return nil }
        let convolution = request.convolution
        let name = convolution.name
        let orders = request.orders(candidate, engine)
        let type = candidate == .roundedFloat32 ? dnnl_f32 : dnnl_bf16
        func image(_ shape: Shape, _ layout: Layout?, _ type: dnnl_data_type_t) throws(KernelError)
            -> MemoryDescriptor
        {
            try MemoryDescriptor(image: shape, samples: samples, layout: layout, name, type)
        }
        let extents = request.weightExtents
        let source = try image(request.inputShape, orders.source, type)
        let weights = try MemoryDescriptor(extents, dnnl_format_tag_any, name, type)
        let bias = convolution.useBias ? try MemoryDescriptor([convolution.filters], dnnl_a, name) : nil
        func found(
            _ pass: ConvolutionPass, source: MemoryDescriptor, weights: MemoryDescriptor,
            destination: MemoryDescriptor, hint: PrimitiveDescriptor? = nil, avoiding: String? = nil
        ) -> PrimitiveDescriptor? {
            let tensors = ConvolutionTensors(
                source: source, weights: weights, bias: pass == .forward ? bias : nil,
                destination: destination, geometry: geometry)
            let found = PrimitiveDescriptor(
                pass, tensors, dnnl_convolution_direct, engine, hint: hint,
                relu: pass == .forward && convolution.activation == .relu, avoiding: avoiding,
                roundsFactors: candidate == .roundedFloat32)
            return found?.implementation.hasPrefix("ref") == true ? nil : found
        }
        guard
            let forward = found(
                .forward, source: source, weights: weights,
                destination: try image(request.outputShape, orders.output, dnnl_f32))
        else { return nil }
        self.forward = forward
        let gradient = try image(request.outputShape, orders.output, type)
        backwardWeights =
            request.trainsWeights
            ? found(
                .backwardWeights, source: source,
                weights: try MemoryDescriptor(extents, dnnl_format_tag_any, name), destination: gradient,
                hint: forward, avoiding: request.overflowingImplementation(engine)) : nil
        backwardData =
            request.needsInputGradient
            ? found(
                .backwardData, source: try image(request.inputShape, orders.inputGradient, dnnl_f32),
                weights: weights, destination: gradient, hint: forward) : nil
    }

    func descriptor(_ pass: ConvolutionPass) -> PrimitiveDescriptor? {
        switch pass {
        case .forward: forward
        case .backwardWeights: backwardWeights
        case .backwardData: backwardData
        }
    }
}

extension Convolution.Request {
    /// (filters, channels, height, width), or of each of several groups (groups, filters, channels, height, width).
    var weightExtents: [Int] {
        let (groups, window) = (convolution.groups, convolution.kernelSize)
        let (filters, channels) = (convolution.filters / groups, convolution.channels / groups)
        return (groups == 1 ? [] : [groups]) + [filters, channels] + window
    }

    /// The kernel as Keras has it, (height, width, channels of a group, filters), which is that of a depthwise convolution too.
    var canonicalWeights: MemoryDescriptor {
        get throws(KernelError) {
            guard convolution.groups > 1 else {
                return try MemoryDescriptor(weightExtents, dnnl_cdba, convolution.name)
            }
            let (groups, filters) = (convolution.groups, convolution.filters)
            let pixel = convolution.channels / groups * filters
            return try MemoryDescriptor(
                weightExtents,
                strides: [filters / groups, 1, filters, convolution.kernelSize[1] * pixel, pixel],
                convolution.name)
        }
    }

    /// How oneDNN reads the input; `nil` leaves it to oneDNN. Few channels are read as they are, in an order that it has a
    /// kernel for; padding them would multiply the work.
    func sourceLayout(_ engine: OneDNNEngine) -> Layout? {
        outputLayout == .canonical
            ? .canonical : inputShape[2] * 2 >= engine.block ? .channelBlocked(block: engine.block) : nil
    }

    /// The orders of a way's images; `nil` leaves one to oneDNN.
    func orders(_ candidate: ConvolutionCandidate, _ engine: OneDNNEngine)
        -> (source: Layout?, inputGradient: Layout?, output: Layout?)
    {
        switch candidate {
        case .bfloat16ChannelsLast, .roundedFloat32: (.canonical, .canonical, .canonical)
        case .bfloat16Any: (nil, nil, nil)
        case .bfloat16, .bfloat16Tiles, .direct, .winograd, .blockedWinograd:
            (sourceLayout(engine), outputLayout == .canonical ? .canonical : nil, outputLayout)
        }
    }

    /// The beginning of the names of implementations of the kernel's gradient that write behind their scratch:
    /// https://github.com/uxlfoundation/oneDNN/issues/6035
    func overflowingImplementation(_ engine: OneDNNEngine) -> String? {
        convolution.kernelSize == [1, 1] && convolution.strides != [1, 1] && inputShape[2] < engine.block
            ? "jit_1x1" : nil
    }
}
