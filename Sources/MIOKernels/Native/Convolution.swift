import COneDNN
import MIOBase
import MIOGraph
import MIOPlan

/// A convolution of a count of samples as it would be run: implementations and memory, before any code.
struct Convolution {
    let forward: ConvolutionWork
    /// `nil` where the gradient is not needed.
    let backwardWeights: ConvolutionWork?
    let backwardData: ConvolutionWork?
    /// As the plan's tensors lie.
    let input: MemoryDescriptor
    let output: MemoryDescriptor
    /// The input in the order and numbers that are kept from forward to backward: the plan's, if a primitive of
    /// 32-bit floats reads those.
    let source: MemoryDescriptor
    /// As the kernel is kept, and as Keras has it.
    let weights: MemoryDescriptor
    let canonicalWeights: MemoryDescriptor

    struct Request {
        let convolution: ImageConvolution
        var inputShape: Shape { convolution.inputShape }
        var outputShape: Shape { convolution.outputShape }
        let inputLayout: Layout
        /// One of `outputLayouts`.
        let outputLayout: Layout
        let sharesWeights: Bool
        let needsInputGradient: Bool
        let trainsWeights: Bool
    }

    /// How the output could lie, the way to take first; oneDNN has fast code for the last one always.
    ///
    /// Blocked if the padding costs at most as much as the image, and stays zero under the activation. Blocks that the
    /// input's channels do not fill are multiplied nevertheless: canonical images take 0.8 of the time of blocked ones
    /// with 24 channels, 0.6 with 17. Winograd in blocks makes up for it, up to 3 channels are not padded, and a 1×1 kernel
    /// does less than the reordering would. A depthwise
    /// convolution is as fast on both, and leaves the image as it is; other groups are blocked if they fill blocks.
    static func outputLayouts(_ convolution: ImageConvolution, inputLayout: Layout, _ engine: OneDNNEngine)
        -> [Layout]
    {
        let (block, filters, channels) = (engine.block, convolution.filters, convolution.channels)
        let activation = convolution.activation
        let fits = activation.keepsZero || activation == .sigmoid && filters % block == 0
        guard filters * 2 >= block, fits else { return [.canonical] }
        let isFull: Bool
        if convolution.isDepthwise {
            isFull = inputLayout == .channelBlocked(block: block)
        } else if convolution.groups > 1 {
            isFull =
                (channels / convolution.groups) % block == 0 && (filters / convolution.groups) % block == 0
        } else {
            let reads = convolution.kernelSize == [1, 1] && inputLayout == .channelBlocked(block: block)
            isFull = channels <= 3 || channels % block == 0 || reads || hasWinograd(convolution, engine)
        }
        return isFull ? [.channelBlocked(block: block), .canonical] : [.canonical]
    }

    /// Winograd halves the work, for the one kernel it is made for; a few channels it would pad to a block.
    static func hasWinograd(_ convolution: ImageConvolution, _ engine: OneDNNEngine) -> Bool {
        engine.hasBlockedWinograd && convolution.kernelSize == [3, 3] && convolution.strides == [1, 1]
            && convolution.dilation == [1, 1] && convolution.groups == 1
            && min(convolution.channels, convolution.filters) >= engine.block
    }

    /// Tiles take windows of any size that move by one pixel; a few channels they would pad to a block.
    static func hasTiles(_ convolution: ImageConvolution) -> Bool {
        convolution.strides == [1, 1] && convolution.dilation == [1, 1] && convolution.groups == 1
            && min(convolution.channels, convolution.filters) >= 16
    }

    /// Each pass in its pick's way, or in another where oneDNN has not that one; `nil` if it has none.
    /// - Parameter kept: the same convolution of another count of samples, whose weights and workspace this one shares:
    ///   oneDNN may prefer another order for each count.
    init?(
        _ request: Request, samples: Int, like kept: Convolution? = nil, _ engine: OneDNNEngine,
        picks: (ConvolutionPass) -> ConvolutionCandidate
    ) throws(KernelError) {
        let convolution = request.convolution
        let (name, geometry) = (convolution.name, convolution.geometry)
        let (shape, block) = (request.inputShape, engine.block)
        let outputLayout = request.outputLayout
        input = try MemoryDescriptor(image: shape, samples: samples, layout: request.inputLayout, name)
        let destination = try MemoryDescriptor(
            image: request.outputShape, samples: samples, layout: outputLayout, name)
        output = destination
        let extents = request.weightExtents
        canonicalWeights = try request.canonicalWeights

        let anyWeights = try MemoryDescriptor(extents, dnnl_format_tag_any, name)
        let bias = convolution.useBias ? try MemoryDescriptor([convolution.filters], dnnl_a, name) : nil
        let anySource = try MemoryDescriptor(
            image: shape, samples: samples, layout: outputLayout == .canonical ? .canonical : nil, name)
        var wantedSource = try MemoryDescriptor(
            image: shape, samples: samples, layout: request.sourceLayout(engine), name)
        let relu = convolution.activation == .relu

        /// The first of some algorithms that oneDNN has.
        func first(
            _ algorithms: [dnnl_alg_kind_t], _ pass: ConvolutionPass, source: MemoryDescriptor,
            weights: MemoryDescriptor, destination: MemoryDescriptor, hint: PrimitiveDescriptor? = nil,
            avoiding: String? = nil
        ) -> PrimitiveDescriptor? {
            let tensors = ConvolutionTensors(
                source: source, weights: weights, bias: pass == .forward ? bias : nil,
                destination: destination, geometry: geometry)
            for algorithm in algorithms {
                if let found = PrimitiveDescriptor(
                    pass, tensors, algorithm, engine, hint: hint, relu: relu && pass == .forward,
                    avoiding: avoiding)
                {
                    return found
                }
            }
            return nil
        }
        let winograd = request.hasWinograd(engine) && engine.hasWinograd ? [dnnl_convolution_winograd] : []
        let direct = [dnnl_convolution_direct, dnnl_convolution_auto]
        func algorithms(_ candidate: ConvolutionCandidate) -> [dnnl_alg_kind_t] {
            candidate == .direct ? direct : winograd + direct
        }
        /// Mio's own way, where it is picked and possible.
        let blockedWinograd =
            request.hasWinograd(engine)
            ? try ConvolutionWork(
                blockedWinograd: request, geometry, samples: samples, block: block,
                weights: canonicalWeights, output: output, name) : nil
        let tiled =
            request.hasTiles
            ? try ConvolutionWork(
                tiled: request, geometry, samples: samples, weights: canonicalWeights, output: output, name)
            : nil
        func own(_ pass: ConvolutionPass) -> ConvolutionWork? {
            switch picks(pass) {
            case .blockedWinograd: blockedWinograd
            case .bfloat16Tiles: tiled
            default: nil
            }
        }
        func forward(_ algorithms: [dnnl_alg_kind_t]) -> PrimitiveDescriptor? {
            first(
                algorithms, .forward, source: wantedSource, weights: anyWeights, destination: destination)
        }
        // The kernel is kept, whatever is picked, as the first way has it: plans of any tuning share weights.
        guard var usual = forward(winograd + direct) else { return nil }
        // Where the other count reads the plan's input as it lies, there is no workspace. That is asked for by name
        // only if need be: of orders that are the same for one channel, oneDNN is fast in the one it names itself.
        if let kept, kept.workspaceElements == 0, !(usual.memory(dnnl_query_src_md) == input) {
            wantedSource = input
            guard let reading = forward(winograd + direct) else { return nil }
            usual = reading
        }
        weights =
            kept?.weights
            ?? (request.sharesWeights ? canonicalWeights : usual.memory(dnnl_query_weights_md))
        // The ways in bfloat16 that are picked, as far as oneDNN has them.
        var rounded: [ConvolutionCandidate: RoundedConvolution] = [:]
        for candidate in Set(ConvolutionPass.allCases.map(picks)).sorted()
        where candidate.roundsFactors && candidate != .bfloat16Tiles {
            rounded[candidate] = try RoundedConvolution(
                candidate, request, geometry, samples: samples, engine)
        }
        func rounding(_ pass: ConvolutionPass) -> PrimitiveDescriptor? {
            rounded[picks(pass)]?.descriptor(pass)
        }
        let halfForward = rounding(.forward)
        let halfWeights = request.trainsWeights ? rounding(.backwardWeights) : nil
        // What both read is made once, and kept instead of the input.
        if let read = halfForward?.memory(dnnl_query_src_md),
            let again = halfWeights?.memory(dnnl_query_src_md),
            read == again
        {
            source = read
        } else {
            source = usual.memory(dnnl_query_src_md)
        }

        let found: PrimitiveDescriptor
        switch picks(.forward) {
        case .winograd, .blockedWinograd: found = usual
        case .direct: found = forward(direct) ?? usual
        case .bfloat16, .bfloat16ChannelsLast, .bfloat16Any, .roundedFloat32: found = halfForward ?? usual
        case .bfloat16Tiles: found = usual
        }
        self.forward = own(.forward) ?? ConvolutionWork(.forward, found)

        if !request.trainsWeights {
            backwardWeights = nil
        } else if let own = own(.backwardWeights) {
            backwardWeights = own
        } else {
            // It reads what forward has brought into its order.
            guard
                let found = halfWeights
                    ?? first(
                        algorithms(picks(.backwardWeights)), .backwardWeights, source: source,
                        weights: anyWeights, destination: destination, hint: usual,
                        avoiding: request.overflowingImplementation(engine))
            else { return nil }
            backwardWeights = ConvolutionWork(.backwardWeights, found)
        }
        if !request.needsInputGradient {
            backwardData = nil
        } else if let own = own(.backwardData) {
            backwardData = own
        } else {
            guard
                let found = rounding(.backwardData)
                    ?? first(
                        algorithms(picks(.backwardData)), .backwardData, source: anySource,
                        weights: anyWeights, destination: destination, hint: usual)
            else { return nil }
            backwardData = ConvolutionWork(.backwardData, found)
        }
    }

    /// Whether the input's gradient can be put where the input is, and pass the relu that made the input on the way.
    var canPassRelu: Bool {
        guard let backwardData, backwardWeights != nil else { return false }
        return backwardData.canPassRelu && backwardData.input == input && workspaceElements == 0
    }

    private var works: [ConvolutionWork] { [forward] + [backwardWeights, backwardData].compactMap { $0 } }

    var algorithm: String { works.map(\.implementation).joined(separator: ", ") }

    /// Whether oneDNN has only its plain loops for a pass: hundreds of times slower than its own code.
    var isPlain: Bool { works.contains(where: \.isPlain) }
}
