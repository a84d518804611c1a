import COneDNN
import MIOGraph
import MIOPlan
import MIOTensor

/// A convolution as oneDNN would run it on some number of samples: the same answer for planning and for running.
///
/// Winograd where oneDNN has it (3×3, stride 1, blocked channels), each direction by itself; direct otherwise.
/// Winograd's error in 32 bits is 1.7 times that of direct convolution, and it takes half the time.
struct ConvolutionPlan {
    let forward: PrimitiveDescription
    let backwardData: PrimitiveDescription?
    let backwardWeights: PrimitiveDescription?
    let source: MemoryDescription
    let target: MemoryDescription
    /// As the weights are kept: what forward asks for.
    let weights: MemoryDescription
    let bias: MemoryDescription?
    /// As backward-data and backward-weights want the weights, if not as they are kept.
    let dataWeights: MemoryDescription?
    let gradientWeights: MemoryDescription?
    /// Reorderings between those and how the weights are kept.
    let weightsToData: PrimitiveDescription?
    let gradientToWeights: PrimitiveDescription?

    /// - Parameters:
    ///   - inputBlock: channels next to each other in the input; `nil` for canonical.
    ///   - canonicalWeights: keep the weights as Keras does: they are shared.
    init(
        _ conv: Conv2D, inputs: [Shape], samples: Int, inputBlock: Int?, outputBlock: Int?,
        canonicalWeights: Bool, library: OneDNN
    ) throws {
        let geometry: WindowGeometry
        do { geometry = try conv.geometry(for: inputs) } catch {
            throw KernelError(operation: "Conv2D", message: error.message)
        }
        let (height, width) = (geometry.height, geometry.width)
        if geometry.channels == 1, inputBlock == nil, outputBlock != nil {
            // The same bytes as with channels last, but only under this name does oneDNN 2.6 take one channel
            // for a first convolution's, and has a kernel that writes blocks; its plain loops are 100 times slower.
            source = try MemoryDescription([samples, 1, height.input, width.input], dnnl_nchw)
        } else {
            source = try MemoryDescription(
                samples: samples, height: height.input, width: width.input, channels: geometry.channels,
                blocked: inputBlock)
        }
        target = try MemoryDescription(
            samples: samples, height: height.output, width: width.output, channels: conv.filters,
            blocked: outputBlock)
        let kernel = [conv.filters, geometry.channels, conv.kernelSize[0], conv.kernelSize[1]]
        let anyWeights = try MemoryDescription(kernel, canonicalWeights ? dnnl_hwio : dnnl_any_tag)
        bias = conv.useBias ? try MemoryDescription([conv.filters], dnnl_x_tag) : nil
        let window = Window(
            strides: conv.strides.map { dnnl_dim_t($0) },
            before: [height.before, width.before].map { dnnl_dim_t($0) },
            after: [height.after, width.after].map { dnnl_dim_t($0) })

        forward = try Self.forward(
            library, window, source, anyWeights, bias, target, relu: conv.activation == .relu)
        guard let weights = forward.memory(dnnl_query_weights_md) else {
            throw KernelError(operation: "Conv2D", message: "oneDNN names no layout of the weights")
        }
        self.weights = weights
        let hint = forward
        backwardData = try Self.backwardData(library, window, source, weights, target, hint)
        backwardWeights = try Self.backwardWeights(library, window, source, weights, target, hint)
        let wanted = backwardData?.memory(dnnl_query_weights_md)
        dataWeights = wanted.flatMap { $0 == weights ? nil : $0 }
        let given = backwardWeights?.memory(dnnl_query_diff_weights_md)
        gradientWeights = given.flatMap { $0 == weights ? nil : $0 }
        weightsToData = try dataWeights.map { try PrimitiveDescription(library, from: weights, to: $0) }
        gradientToWeights = try gradientWeights.map {
            try PrimitiveDescription(library, from: $0, to: weights)
        }
    }

    private struct Window {
        let strides: [dnnl_dim_t]
        let before: [dnnl_dim_t]
        let after: [dnnl_dim_t]
    }

    private static let algorithms = [dnnl_convolution_winograd, dnnl_convolution_direct]

    private static func forward(
        _ library: OneDNN, _ window: Window, _ source: MemoryDescription, _ weights: MemoryDescription,
        _ bias: MemoryDescription?, _ target: MemoryDescription, relu: Bool
    ) throws -> PrimitiveDescription {
        var (source, weights, target) = (source.raw, weights.raw, target.raw)
        var bias = bias?.raw ?? dnnl_memory_desc_t()
        for algorithm in algorithms {
            var operation = dnnl_convolution_desc_t()
            try OneDNN.check(
                dnnl_convolution_forward_desc_init(
                    &operation, dnnl_forward_training, algorithm, &source, &weights, &bias, &target,
                    window.strides, window.before, window.after), "describing a convolution")
            if let description = try PrimitiveDescription(library, &operation, relu: relu) {
                return description
            }
        }
        throw KernelError(operation: "Conv2D", message: "oneDNN has no convolution for this shape")
    }

    private static func backwardData(
        _ library: OneDNN, _ window: Window, _ source: MemoryDescription, _ weights: MemoryDescription,
        _ target: MemoryDescription, _ hint: PrimitiveDescription
    ) throws -> PrimitiveDescription? {
        var (source, target) = (source.raw, target.raw)
        // First with the weights as they are kept; in any layout, if there is nothing for that.
        for var weights in [weights, try weights.anyLayout()].map(\.raw) {
            for algorithm in algorithms {
                var operation = dnnl_convolution_desc_t()
                try OneDNN.check(
                    dnnl_convolution_backward_data_desc_init(
                        &operation, algorithm, &source, &weights, &target, window.strides, window.before,
                        window.after), "describing a convolution's backward")
                if let description = try PrimitiveDescription(library, &operation, hint: hint),
                    description.isFast
                {
                    return description
                }
            }
        }
        return nil
    }

    private static func backwardWeights(
        _ library: OneDNN, _ window: Window, _ source: MemoryDescription, _ weights: MemoryDescription,
        _ target: MemoryDescription, _ hint: PrimitiveDescription
    ) throws -> PrimitiveDescription? {
        var (source, target) = (source.raw, target.raw)
        var bias = dnnl_memory_desc_t()
        for var weights in [weights, try weights.anyLayout()].map(\.raw) {
            for algorithm in algorithms {
                var operation = dnnl_convolution_desc_t()
                try OneDNN.check(
                    dnnl_convolution_backward_weights_desc_init(
                        &operation, algorithm, &source, &weights, &bias, &target, window.strides,
                        window.before, window.after), "describing a convolution's backward")
                if let description = try PrimitiveDescription(library, &operation, hint: hint),
                    description.isFast
                {
                    return description
                }
            }
        }
        return nil
    }

    /// Elements of temporary memory: a primitive's own, and weights in another layout or to be added.
    var scratchElements: Int {
        let own = [forward, backwardData, backwardWeights].map { $0?.scratchElements ?? 0 }.max() ?? 0
        return Self.aligned(own) + weightScratchElements
    }

    var primitiveScratchElements: Int {
        Self.aligned([forward, backwardData, backwardWeights].map { $0?.scratchElements ?? 0 }.max() ?? 0)
    }

    /// Room for the weights once as a backward wants them, and once more to be added.
    var weightScratchElements: Int {
        let converted = max(dataWeights?.elements ?? 0, gradientWeights?.elements ?? 0)
        return Self.aligned(converted) + Self.aligned(weights.elements)
    }

    static func aligned(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    var description: String {
        [forward, backwardData, backwardWeights].map { $0?.implementation ?? "none" }.joined(separator: ", ")
    }
}

extension PrimitiveDescription {
    /// Not one of oneDNN's plain loops.
    var isFast: Bool { !implementation.hasPrefix("ref") }
}

extension MemoryDescription {
    /// The same dimensions, the layout open.
    func anyLayout() throws -> MemoryDescription {
        let dimensions = withUnsafeBytes(of: raw.dims) {
            Array($0.bindMemory(to: dnnl_dim_t.self).prefix(Int(raw.ndims))).map(Int.init)
        }
        return try MemoryDescription(dimensions, dnnl_any_tag)
    }
}

/// Names that are macros or clash in Swift.
let dnnl_any_tag = dnnl_format_tag_any
let dnnl_x_tag = dnnl_x
