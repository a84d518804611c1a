import COneDNN
import MIOGraph
import MIOPlan
import MIOTensor

/// A convolution of a count of samples as oneDNN would run it: implementations and memory, before any code.
struct Convolution {
    let forward: PrimitiveDescriptor
    /// `nil` where the gradient is not needed.
    let backwardWeights: PrimitiveDescriptor?
    let backwardData: PrimitiveDescriptor?
    /// As the plan's tensors lie.
    let input: MemoryDescriptor
    let output: MemoryDescriptor
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

    /// `nil` if oneDNN has no implementation.
    init?(_ request: Request, samples: Int, _ engine: OneDNNEngine) throws(KernelError) {
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

        var source = try MemoryDescriptor(image: shape, samples: samples, layout: sourceLayout, name).raw
        var anyWeights = try MemoryDescriptor(extents, dnnl_format_tag_any, name).raw
        // An empty descriptor is oneDNN's word for no bias.
        var bias =
            layer.useBias
            ? try MemoryDescriptor([layer.filters], dnnl_a, name).raw : dnnl_memory_desc_t()
        var anySource = try MemoryDescriptor(
            image: shape, samples: samples, layout: outputLayout == .canonical ? .canonical : nil, name
        ).raw
        var destination = output.raw
        let strides = Self.extents(layer.strides)
        let dilation = Self.extents([0, 0])
        let before = Self.extents([geometry.height.before, geometry.width.before])
        let after = Self.extents([geometry.height.after, geometry.width.after])

        // Winograd halves the work, for the one kernel it is made for; a few channels it would pad to a block.
        let winograd =
            engine.hasAVX512 && layer.kernelSize == [3, 3] && layer.strides == [1, 1]
            && outputLayout != .canonical && channels >= block && layer.filters >= block
        let algorithms =
            (winograd ? [dnnl_convolution_winograd] : []) + [dnnl_convolution_direct, dnnl_convolution_auto]
        func first(
            hint: PrimitiveDescriptor?, relu: Bool,
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

        guard
            let forward = first(
                hint: nil, relu: layer.activation == .relu,
                { descriptor, algorithm in
                    dnnl_dilated_convolution_forward_desc_init(
                        &descriptor, dnnl_forward_training, algorithm, &source, &anyWeights,
                        &bias, &destination, strides, dilation, before, after)
                })
        else { return nil }
        self.forward = forward
        weights = request.sharesWeights ? canonicalWeights : forward.memory(dnnl_query_weights_md)

        // Backward reads what forward has brought into its order.
        source = forward.memory(dnnl_query_src_md).raw
        if request.trainsWeights {
            guard
                let found = first(
                    hint: forward, relu: false,
                    { descriptor, algorithm in
                        dnnl_dilated_convolution_backward_weights_desc_init(
                            &descriptor, algorithm, &source, &anyWeights, nil, &destination, strides,
                            dilation, before, after)
                    })
            else { return nil }
            backwardWeights = found
        } else {
            backwardWeights = nil
        }
        if request.needsInputGradient {
            guard
                let found = first(
                    hint: forward, relu: false,
                    { descriptor, algorithm in
                        dnnl_dilated_convolution_backward_data_desc_init(
                            &descriptor, algorithm, &anySource, &anyWeights, &destination, strides, dilation,
                            before, after)
                    })
            else { return nil }
            backwardData = found
        } else {
            backwardData = nil
        }
    }

    private static func extents(_ values: [Int]) -> [Int64] {
        values.map { Int64($0) } + [Int64](repeating: 0, count: 12 - values.count)
    }

    // MARK: Memory, in 32-bit elements

    /// The input in the order forward reads it, if that is not the plan's.
    var workspaceElements: Int {
        let source = forward.memory(dnnl_query_src_md)
        return source == input ? 0 : source.elements
    }

    /// What one pass needs besides the primitive's own scratch: a first and a second temporary tensor.
    struct Scratch {
        let own: Int
        let first: Int
        let second: Int
        var total: Int { own + first + second }
    }

    var forwardScratch: Scratch {
        let needed = forward.memory(dnnl_query_weights_md)
        return Scratch(
            own: forward.scratch.elements, first: needed == weights ? 0 : needed.elements, second: 0)
    }

    /// The gradient as oneDNN makes it, and as it is kept, to add it.
    var backwardWeightsScratch: Scratch {
        guard let backwardWeights else { return Scratch(own: 0, first: 0, second: 0) }
        let made = backwardWeights.memory(dnnl_query_diff_weights_md)
        return Scratch(
            own: backwardWeights.scratch.elements, first: made.elements,
            second: made == weights ? 0 : weights.elements)
    }

    /// The weights in the order oneDNN wants them, and the gradient as it makes it.
    /// - Parameter adds: whether the gradient is added to what others put there.
    func backwardDataScratch(adds: Bool) -> Scratch {
        guard let backwardData else { return Scratch(own: 0, first: 0, second: 0) }
        let needed = backwardData.memory(dnnl_query_weights_md)
        let made = backwardData.memory(dnnl_query_diff_src_md)
        let temporary = (adds || !(made == input) ? made.elements : 0)
        return Scratch(
            own: backwardData.scratch.elements, first: needed == weights ? 0 : needed.elements,
            second: temporary + (adds && !(made == input) ? input.elements : 0))
    }

    func scratchElements(addsInputGradient adds: Bool) -> Int {
        max(forwardScratch.total, backwardWeightsScratch.total, backwardDataScratch(adds: adds).total)
    }

    var algorithm: String {
        ([forward] + [backwardWeights, backwardData].compactMap { $0 }).map(\.implementation)
            .joined(separator: ", ")
    }
}
