import COneDNN
import MIOGraph
import MIOPlan
import MIOTensor

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
        let layer: Conv2D
        let inputShape: Shape
        let outputShape: Shape
        let inputLayout: Layout
        let sharesWeights: Bool
        let needsInputGradient: Bool
        let trainsWeights: Bool
    }

    /// Blocked if the padding costs at most as much as the image, and stays zero under the activation.
    static func outputLayout(_ layer: Conv2D, block: Int) -> Layout {
        let fits = layer.activation.keepsZero || layer.activation == .sigmoid && layer.filters % block == 0
        return layer.filters * 2 >= block && fits ? .channelBlocked(block: block) : .canonical
    }

    /// Each pass in its pick's way, or in another where oneDNN has not that one; `nil` if it has none.
    /// - Parameter kept: the same convolution of another count of samples, whose weights and workspace this one shares:
    ///   oneDNN may prefer another order for each count.
    init?(
        _ request: Request, samples: Int, like kept: Convolution? = nil, _ engine: OneDNNEngine,
        picks: (ConvolutionPass) -> ConvolutionCandidate
    ) throws(KernelError) {
        let layer = request.layer
        let name = layer.attributes.name ?? "Conv2D"
        let (shape, block) = (request.inputShape, engine.block)
        let channels = shape[2]
        let outputLayout = Self.outputLayout(layer, block: block)
        // Few channels are read as they are, in an order that oneDNN has a kernel for; padding them would multiply
        // the work.
        let sourceLayout: Layout? =
            outputLayout == .canonical
            ? .canonical : channels * 2 >= block ? .channelBlocked(block: block) : nil
        input = try MemoryDescriptor(image: shape, samples: samples, layout: request.inputLayout, name)
        output = try MemoryDescriptor(
            image: request.outputShape, samples: samples, layout: outputLayout, name)
        let extents = [layer.filters, channels, layer.kernelSize[0], layer.kernelSize[1]]
        canonicalWeights = try MemoryDescriptor(extents, dnnl_cdba, name)
        guard let geometry = try? layer.geometry(for: [shape]) else { return nil }

        var anyWeights = try MemoryDescriptor(extents, dnnl_format_tag_any, name).raw
        var halfWeights = try MemoryDescriptor(extents, dnnl_format_tag_any, name, dnnl_bf16).raw
        // An empty descriptor is oneDNN's word for no bias.
        var bias =
            layer.useBias
            ? try MemoryDescriptor([layer.filters], dnnl_a, name).raw : dnnl_memory_desc_t()
        var anySource = try MemoryDescriptor(
            image: shape, samples: samples, layout: outputLayout == .canonical ? .canonical : nil, name
        ).raw
        // Where the other count reads the plan's input as it lies, there is no workspace.
        let readsInput = kept.map { $0.workspaceElements == 0 } ?? false
        var wantedSource =
            readsInput
            ? input.raw
            : try MemoryDescriptor(image: shape, samples: samples, layout: sourceLayout, name).raw
        var halfSource = try MemoryDescriptor(
            image: shape, samples: samples, layout: sourceLayout, name, dnnl_bf16
        ).raw
        var destination = output.raw
        var halfGradient = try MemoryDescriptor(
            image: request.outputShape, samples: samples, layout: outputLayout, name, dnnl_bf16
        ).raw
        let strides = Self.extents(layer.strides)
        let dilation = Self.extents([0, 0])
        let before = Self.extents([geometry.height.before, geometry.width.before])
        let after = Self.extents([geometry.height.after, geometry.width.after])
        let relu = layer.activation == .relu

        /// The first of some algorithms that oneDNN has.
        func first(
            _ algorithms: [dnnl_alg_kind_t], hint: PrimitiveDescriptor?, relu: Bool,
            _ describe: (inout dnnl_convolution_desc_t, dnnl_alg_kind_t) -> dnnl_status_t
        ) -> PrimitiveDescriptor? {
            for algorithm in algorithms {
                var descriptor = dnnl_convolution_desc_t()
                guard describe(&descriptor, algorithm) == dnnl_success else { continue }
                if let found = PrimitiveDescriptor(&descriptor, engine, hint: hint, relu: relu) {
                    return found
                }
            }
            return nil
        }
        let winograd = request.hasWinograd(engine) ? [dnnl_convolution_winograd] : []
        let direct = [dnnl_convolution_direct, dnnl_convolution_auto]
        func algorithms(_ candidate: ConvolutionCandidate) -> [dnnl_alg_kind_t] {
            candidate == .direct ? direct : winograd + direct
        }
        /// Mio's own way, where it is picked and possible.
        let blockedWinograd =
            request.hasBlockedWinograd(engine)
            ? try ConvolutionWork(
                blockedWinograd: request, geometry, samples: samples, weights: canonicalWeights,
                output: output, name) : nil
        func own(_ pass: ConvolutionPass) -> ConvolutionWork? {
            picks(pass) == .blockedWinograd ? blockedWinograd : nil
        }
        func forward(_ algorithms: [dnnl_alg_kind_t]) -> PrimitiveDescriptor? {
            first(algorithms, hint: nil, relu: relu) { descriptor, algorithm in
                dnnl_dilated_convolution_forward_desc_init(
                    &descriptor, dnnl_forward_training, algorithm, &wantedSource, &anyWeights, &bias,
                    &destination, strides, dilation, before, after)
            }
        }
        // The kernel is kept, whatever is picked, as the first way has it: plans of any tuning share weights.
        guard let usual = forward(winograd + direct) else { return nil }
        weights =
            kept?.weights
            ?? (request.sharesWeights ? canonicalWeights : usual.memory(dnnl_query_weights_md))
        source = usual.memory(dnnl_query_src_md)
        // Backward reads what forward has brought into its order.
        var kept = source.raw

        let usesHalf =
            request.hasBFloat16(engine) && ConvolutionPass.allCases.contains { picks($0) == .bfloat16 }
        let half =
            !usesHalf
            ? nil
            : first([dnnl_convolution_direct], hint: nil, relu: relu) { descriptor, algorithm in
                dnnl_dilated_convolution_forward_desc_init(
                    &descriptor, dnnl_forward_training, algorithm, &halfSource, &halfWeights, &bias,
                    &destination, strides, dilation, before, after)
            }
        let found: PrimitiveDescriptor
        switch picks(.forward) {
        case .winograd, .blockedWinograd: found = usual
        case .direct: found = forward(direct) ?? usual
        case .bfloat16: found = half ?? usual
        }
        self.forward = own(.forward) ?? ConvolutionWork(.forward, found)

        if !request.trainsWeights {
            backwardWeights = nil
        } else if let own = own(.backwardWeights) {
            backwardWeights = own
        } else {
            func backward(
                _ algorithms: [dnnl_alg_kind_t], _ hint: PrimitiveDescriptor,
                _ source: inout dnnl_memory_desc_t, _ gradient: inout dnnl_memory_desc_t
            ) -> PrimitiveDescriptor? {
                first(algorithms, hint: hint, relu: false) { descriptor, algorithm in
                    dnnl_dilated_convolution_backward_weights_desc_init(
                        &descriptor, algorithm, &source, &anyWeights, nil, &gradient, strides, dilation,
                        before, after)
                }
            }
            let pick = picks(.backwardWeights)
            var found: PrimitiveDescriptor?
            if pick == .bfloat16, let half {
                found = backward([dnnl_convolution_direct], half, &halfSource, &halfGradient)
            }
            guard let found = found ?? backward(algorithms(pick), usual, &kept, &destination) else {
                return nil
            }
            backwardWeights = ConvolutionWork(.backwardWeights, found)
        }
        if !request.needsInputGradient {
            backwardData = nil
        } else if let own = own(.backwardData) {
            backwardData = own
        } else {
            func backward(
                _ algorithms: [dnnl_alg_kind_t], _ hint: PrimitiveDescriptor,
                _ weights: inout dnnl_memory_desc_t, _ gradient: inout dnnl_memory_desc_t
            ) -> PrimitiveDescriptor? {
                first(algorithms, hint: hint, relu: false) { descriptor, algorithm in
                    dnnl_dilated_convolution_backward_data_desc_init(
                        &descriptor, algorithm, &anySource, &weights, &gradient, strides, dilation, before,
                        after)
                }
            }
            let pick = picks(.backwardData)
            var found: PrimitiveDescriptor?
            if pick == .bfloat16, let half {
                found = backward([dnnl_convolution_direct], half, &halfWeights, &halfGradient)
            }
            guard let found = found ?? backward(algorithms(pick), usual, &anyWeights, &destination) else {
                return nil
            }
            backwardData = ConvolutionWork(.backwardData, found)
        }
    }

    private static func extents(_ values: [Int]) -> [Int64] {
        values.map { Int64($0) } + [Int64](repeating: 0, count: 12 - values.count)
    }

    /// Whether the input's gradient can be put where the input is, and pass the relu that made the input on the way.
    var canPassRelu: Bool {
        guard let backwardData, backwardWeights != nil else { return false }
        return backwardData.canPassRelu && backwardData.input == input && workspaceElements == 0
    }

    var algorithm: String {
        ([forward] + [backwardWeights, backwardData].compactMap { $0 }).map(\.implementation)
            .joined(separator: ", ")
    }
}
