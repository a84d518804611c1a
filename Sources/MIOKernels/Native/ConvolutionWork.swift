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
        case blockedWinograd(mio_winograd)
        case tiled(mio_tiled)
    }

    init(_ pass: ConvolutionPass, _ descriptor: PrimitiveDescriptor) {
        input = descriptor.memory(pass == .backwardData ? dnnl_query_diff_src_md : dnnl_query_src_md)
        weights = descriptor.memory(
            pass == .backwardWeights ? dnnl_query_diff_weights_md : dnnl_query_weights_md)
        output = descriptor.memory(pass == .forward ? dnnl_query_dst_md : dnnl_query_diff_dst_md)
        scratchElements = descriptor.scratch.elements
        implementer = .oneDNN(descriptor)
    }

    /// Every pass of a convolution on images in blocks of channels, as many as a register has lanes.
    init(
        blockedWinograd request: Convolution.Request, _ geometry: WindowGeometry, samples: Int,
        block: Int, weights: MemoryDescriptor, output: MemoryDescriptor, _ name: String
    ) throws(KernelError) {
        input = try MemoryDescriptor(
            image: request.inputShape, samples: samples, layout: .channelBlocked(block: block), name)
        self.weights = weights
        self.output = output
        let winograd = mio_winograd(
            lanes: Int64(block), samples: Int64(samples), input: mio_image(request.inputShape),
            output: mio_image(request.outputShape),
            top: Int64(geometry.height.before), left: Int64(geometry.width.before))
        scratchElements = withUnsafePointer(to: winograd) { Int(mio_winograd_scratch($0)) }
        implementer = .blockedWinograd(winograd)
    }

    /// Every pass of a convolution on images in blocks of 16 channels, by mio's own loops on tiles.
    init(
        tiled request: Convolution.Request, _ geometry: WindowGeometry, samples: Int,
        weights: MemoryDescriptor,
        output: MemoryDescriptor, _ name: String
    ) throws(KernelError) {
        input = try MemoryDescriptor(
            image: request.inputShape, samples: samples, layout: .channelBlocked(block: 16), name)
        self.weights = weights
        self.output = output
        let tiled = mio_tiled(
            samples: Int64(samples), input: mio_image(request.inputShape),
            output: mio_image(request.outputShape), height: Int64(geometry.height.size),
            width: Int64(geometry.width.size), top: Int64(geometry.height.before),
            left: Int64(geometry.width.before))
        scratchElements = withUnsafePointer(to: tiled) { Int(mio_tiled_scratch($0)) }
        implementer = .tiled(tiled)
    }

    /// Of the gradient of an input that a relu has made.
    var canPassRelu: Bool {
        switch implementer {
        case .oneDNN: false
        case .blockedWinograd, .tiled: true
        }
    }

    /// `jit:avx512_core`, `blocked winograd`
    var implementation: String {
        switch implementer {
        case .oneDNN(let descriptor): "onednn " + descriptor.implementation
        case .blockedWinograd: "blocked winograd"
        case .tiled: "tiles of bf16"
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
        case .blockedWinograd(let winograd):
            return BlockedWinogradStep(winograd: winograd, pass: pass, pointers: pointers, relu: relu)
        case .tiled(let tiled):
            return TiledConvolutionStep(convolution: tiled, pass: pass, pointers: pointers, relu: relu)
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

/// Winograd's algorithm by mio's own loops, on one thread.
struct BlockedWinogradStep: ConvolutionStep {
    let winograd: mio_winograd
    let pass: ConvolutionPass
    let pointers: ConvolutionWork.Pointers
    let relu: Bool

    func run() {
        guard let output = pointers.output else { return }
        withUnsafePointer(to: winograd) {
            switch pass {
            case .forward:
                mio_winograd_forward(
                    $0, pointers.input, pointers.weights, pointers.bias, relu, output, pointers.scratch)
            case .backwardWeights:
                mio_winograd_filter_gradient(
                    $0, pointers.input, output, pointers.weights, pointers.scratch)
            case .backwardData:
                mio_winograd_input_gradient(
                    $0, output, pointers.weights, relu, pointers.bias, pointers.input, pointers.scratch)
            }
        }
    }
}

/// Factors in bfloat16 on the processor's tiles, by mio's own loops, on one thread.
struct TiledConvolutionStep: ConvolutionStep {
    let convolution: mio_tiled
    let pass: ConvolutionPass
    let pointers: ConvolutionWork.Pointers
    let relu: Bool

    func run() {
        guard let output = pointers.output else { return }
        withUnsafePointer(to: convolution) {
            switch pass {
            case .forward:
                mio_tiled_forward(
                    $0, pointers.input, pointers.weights, pointers.bias, relu, output, pointers.scratch)
            case .backwardWeights:
                mio_tiled_filter_gradient($0, pointers.input, output, pointers.weights, pointers.scratch)
            case .backwardData:
                mio_tiled_input_gradient(
                    $0, output, pointers.weights, relu, pointers.bias, pointers.input, pointers.scratch)
            }
        }
    }
}

extension mio_image {
    /// Of a shape (height, width, channels).
    fileprivate init(_ shape: Shape) {
        self.init(channels: Int64(shape[2]), height: Int64(shape[0]), width: Int64(shape[1]))
    }
}
