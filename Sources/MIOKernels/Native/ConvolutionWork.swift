import CDenseLoops
import COneDNN
import MIOBase
import MIOGraph

/// One pass of a convolution: how what it reads and writes lies in memory, and who computes it.
struct ConvolutionWork {
    /// Of the pass' three tensors or their gradients, as the implementation wants them.
    let input: MemoryDescriptor
    let weights: MemoryDescriptor
    let output: MemoryDescriptor
    /// 32-bit elements.
    let scratchElements: Int
    private let implementer: Implementer

    private enum Implementer {
        case oneDNN(PrimitiveDescriptor)
        case loops(any LoopedConvolution)
    }

    init(_ pass: ConvolutionPass, _ descriptor: PrimitiveDescriptor) {
        input = descriptor.memory(pass == .backwardData ? dnnl_query_diff_src_md : dnnl_query_src_md)
        weights = descriptor.memory(
            pass == .backwardWeights ? dnnl_query_diff_weights_md : dnnl_query_weights_md)
        output = descriptor.memory(pass == .forward ? dnnl_query_dst_md : dnnl_query_diff_dst_md)
        scratchElements = descriptor.scratch.elements
        implementer = .oneDNN(descriptor)
    }

    /// Every pass of a convolution by mio's own loops, on images in blocks of channels.
    private init(
        _ loops: some LoopedConvolution, block: Int, _ request: Convolution.Request, samples: Int,
        weights: MemoryDescriptor, output: MemoryDescriptor, _ name: String
    ) throws(KernelError) {
        input = try MemoryDescriptor(
            image: request.inputShape, samples: samples, layout: .channelBlocked(block: block), name)
        self.weights = weights
        self.output = output
        scratchElements = loops.scratchElements
        implementer = .loops(loops)
    }

    /// By Winograd's algorithm, in blocks of as many channels as a register has lanes.
    init(
        blockedWinograd request: Convolution.Request, _ geometry: WindowGeometry, samples: Int,
        block: Int, weights: MemoryDescriptor, output: MemoryDescriptor, _ name: String
    ) throws(KernelError) {
        let winograd = mio_winograd(
            lanes: Int64(block), samples: Int64(samples), input: mio_image(request.inputShape),
            output: mio_image(request.outputShape),
            top: Int64(geometry.height.before), left: Int64(geometry.width.before))
        try self.init(
            winograd, block: block, request, samples: samples, weights: weights, output: output, name)
    }

    /// On tiles of bfloat16, in blocks of 16 channels.
    init(
        tiled request: Convolution.Request, _ geometry: WindowGeometry, samples: Int,
        weights: MemoryDescriptor, output: MemoryDescriptor, _ name: String
    ) throws(KernelError) {
        let tiled = mio_tiled(
            samples: Int64(samples), input: mio_image(request.inputShape),
            output: mio_image(request.outputShape), height: Int64(geometry.height.size),
            width: Int64(geometry.width.size), top: Int64(geometry.height.before),
            left: Int64(geometry.width.before))
        try self.init(tiled, block: 16, request, samples: samples, weights: weights, output: output, name)
    }

    /// Of the gradient of an input that a relu has made.
    var canPassRelu: Bool {
        switch implementer {
        case .oneDNN: false
        case .loops: true
        }
    }

    /// `jit:avx512_core`, `blocked winograd`
    var implementation: String {
        switch implementer {
        case .oneDNN(let descriptor): "onednn " + descriptor.implementation
        case .loops(let loops): type(of: loops).implementation
        }
    }

    /// `ref:any`, element by element.
    var isPlain: Bool {
        guard case .oneDNN(let descriptor) = implementer else { return false }
        return descriptor.implementation.hasPrefix("ref")
    }

    /// Where a pass' tensors are, or their gradients where it makes or reads those.
    struct Pointers {
        let input: UnsafeMutablePointer<Float>
        let weights: UnsafeMutablePointer<Float>
        /// In forward. For the input's gradient: that of the bias before the relu that is passed.
        let bias: UnsafeMutablePointer<Float>?
        let output: UnsafeMutablePointer<Float>?
        let scratch: UnsafeMutablePointer<Float>
    }

    /// The pass as code.
    /// - Parameter relu: whether forward applies it; whether the input's gradient, whose place holds the input before,
    ///   passes the relu that made it (`canPassRelu`).
    /// - Throws: `KernelError`
    func step(
        _ name: String, _ pass: ConvolutionPass, _ pointers: Pointers, relu: Bool, _ engine: OneDNNEngine
    ) throws(KernelError) -> any ConvolutionStep {
        switch implementer {
        case .loops(let loops): return loops.step(pass, pointers, relu: relu)
        case .oneDNN(let descriptor):
            var arguments = [
                Execution.Argument(
                    index: pass == .backwardData ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, memory: input,
                    pointer: pointers.input),
                Execution.Argument(
                    index: pass == .backwardWeights ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS,
                    memory: weights, pointer: pointers.weights),
                Execution.Argument(
                    index: pass == .forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, memory: output,
                    pointer: pointers.output),
                Execution.Argument(
                    index: DNNL_ARG_SCRATCHPAD, memory: descriptor.scratch, pointer: pointers.scratch),
            ]
            if let bias = pointers.bias {
                arguments.append(
                    Execution.Argument(
                        index: DNNL_ARG_BIAS, memory: descriptor.memory(dnnl_query_weights_md, 1),
                        pointer: bias))
            }
            return try Execution(name, descriptor, engine, arguments)
        }
    }
}

/// A part of a convolution, ready to run again and again.
protocol ConvolutionStep {
    func run()
}

extension Execution: ConvolutionStep {}

extension mio_image {
    /// Of a shape (height, width, channels).
    fileprivate init(_ shape: Shape) {
        self.init(channels: Int64(shape[2]), height: Int64(shape[0]), width: Int64(shape[1]))
    }
}
