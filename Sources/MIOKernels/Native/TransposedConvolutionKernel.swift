import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// A transposed convolution: oneDNN's convolution from the result to the input, whose passes change places. Forward is the
/// gradient of that one's input; the input's gradient is its forward.
final class TransposedConvolutionKernel: Kernel {
    private let name: String
    private let activation: Activation
    private let useBias: Bool
    private let bindings: Bindings
    private let request: Convolution.Request
    private let backend: NativeBackend
    private let largest: Convolution
    private let scratchElements: Int
    private let workspaceElements: Int
    private let weightElements: Int
    private let (planes, lanes, pixels, filters): (Int, Int, Int, Int)
    /// Elements of one sample of the result, and of the input.
    private let (outputElements, inputElements): (Int, Int)
    /// The input's gradient, where it is added to what others put there.
    private let addend: Storage<Float>?
    private var prepared: [ConvolutionPasses] = []

    /// Every pass directly: Winograd is for strides of 1.
    private static func picks(_ pass: ConvolutionPass) -> ConvolutionCandidate { .direct }

    /// The convolution as it is computed: bias and activation are this layer's own.
    private static func bare(_ convolution: ImageConvolution) -> ImageConvolution {
        var bare = convolution
        bare.activation = .linear
        bare.useBias = false
        return bare
    }

    static func choice(_ layer: any ConvolutionLayer, _ request: KernelRequest, _ backend: NativeBackend)
        -> KernelChoice?
    {
        guard layer.isTransposed, layer.dataFormat == .channelsLast,
            let convolution = try? layer.resolved(request.inputShapes).convolution,
            ConvolutionKernel.canRun(convolution), Int32(exactly: convolution.channels) != nil
        else { return nil }
        let block = backend.engine.block
        var layouts: [Layout] = [.canonical]
        if request.outputShape.rank == 3, request.inputLayouts[0] == .channelBlocked(block: block),
            convolution.channels % block == 0, convolution.filters % block == 0,
            convolution.activation != .softmax
        {
            layouts.insert(.channelBlocked(block: block), at: 0)
        }
        var best: KernelChoice?
        for layout in layouts {
            let wanted = Convolution.Request(
                convolution: bare(convolution), inputLayout: layout, outputLayout: layout,
                sharesWeights: request.sharesWeights, needsInputGradient: true,
                trainsWeights: request.trainsWeights)
            guard
                let needs = ConvolutionNeeds(
                    wanted, samples: request.samples, backend.engine, picks: picks)
            else { continue }
            let choice = KernelChoice(
                algorithm: "transposed: \(needs.convolution.algorithm)", inputLayouts: [layout],
                outputLayout: layout,
                weightElements: [needs.convolution.weights.elements]
                    + (convolution.useBias ? [convolution.channels] : []),
                weightLayouts: [request.sharesWeights ? "canonical" : "onednn"]
                    + (convolution.useBias ? ["canonical"] : []),
                scratchElements: needs.scratch, workspaceElements: needs.workspace,
                backwardReadsInputs: request.trainsWeights,
                backwardReadsOutput: convolution.activation != .linear)
            if !needs.isPlain { return choice }
            best = best ?? choice
        }
        return best
    }

    init(_ layer: any ConvolutionLayer, _ description: KernelDescription, _ backend: NativeBackend) throws {
        guard let convolution = try? layer.resolved(description.inputShapes).convolution else {
            preconditionFailure("the graph has checked the shapes of every call")
        }
        name = convolution.name
        activation = convolution.activation
        useBias = convolution.useBias
        bindings = description.bindings
        self.backend = backend
        scratchElements = description.choice.scratchElements
        workspaceElements = description.choice.workspaceElements
        weightElements = description.choice.weightElements[0]
        let layout = description.choice.outputLayout
        filters = convolution.channels
        (planes, lanes) = layout.planes(of: filters)
        pixels = convolution.inputShape[0] * convolution.inputShape[1]
        outputElements = layout.elements(of: convolution.inputShape)
        inputElements = layout.elements(of: convolution.outputShape)
        request = Convolution.Request(
            convolution: Self.bare(convolution), inputLayout: layout, outputLayout: layout,
            sharesWeights: description.choice.weightLayouts[0] == "canonical", needsInputGradient: true,
            trainsWeights: bindings.weightGradients[0] != nil)
        guard
            let found = try Convolution(
                request, samples: description.samples, backend.engine, picks: Self.picks)
        else {
            throw KernelError(
                operation: name, message: "there is no longer \(description.choice.algorithm)")
        }
        largest = found
        let adds = bindings.inputGradients[0]?.flow == .adds
        addend = adds ? Storage(count: description.samples * inputElements) : nil
    }

    func prepare(samples: Int) throws {
        guard !prepared.contains(where: { $0.samples == samples }) else { return }
        backend.prepareThread()
        guard
            let convolution = try Convolution(
                request, samples: samples, like: largest, backend.engine, picks: Self.picks),
            convolution.workspaceElements <= workspaceElements
        else {
            throw KernelError(
                operation: name, message: "oneDNN has no such convolution of \(samples) samples")
        }
        // The convolution's input is this layer's result, and its output this layer's input. Without a backward its own
        // forward is never run.
        var mirrored = bindings
        mirrored.inputs = [bindings.outputGradient ?? bindings.output]
        mirrored.inputGradients = [Gradient(pointer: bindings.output, flow: .first)]
        mirrored.passedRelu = [nil]
        mirrored.outputs = [addend?.pointer ?? bindings.inputGradients[0]?.pointer ?? bindings.output]
        mirrored.outputGradients = [bindings.inputs[0]]
        prepared.append(
            try ConvolutionPasses(
                name, convolution, samples: samples, mirrored, scratchElements: scratchElements,
                useBias: false, relu: false, backend.engine))
    }

    private func passes(_ samples: Int) -> ConvolutionPasses {
        for passes in prepared where passes.samples == samples { return passes }
        preconditionFailure("\(name) is not prepared for \(samples) samples")
    }

    func forward(_ pass: Pass) {
        let passes = passes(pass.samples)
        passes.copyGradient()
        passes.backwardData()
        guard useBias || activation != .linear else { return }
        let bias = useBias ? bindings.weights[1] : nil
        if planes == 1 {
            mio_bias_activation(
                activation.code, bindings.output, bias, Int64(pass.samples * pixels), Int64(lanes))
            return
        }
        for index in 0..<pass.samples * planes {
            mio_bias_activation(
                activation.code, bindings.output + index * pixels * lanes,
                bias.map { $0 + index % planes * lanes }, Int64(pixels), Int64(lanes))
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        let dBias = useBias ? bindings.weightGradients[1] : nil
        if let dBias, !dBias.adds(in: pass) { dBias.pointer.update(repeating: 0, count: filters) }
        if activation != .linear, activation != .relu {
            let rows = pass.samples * outputElements / lanes
            mio_activation_gradient(
                activation.code, bindings.output, gradient, Int64(rows), Int64(lanes), gradient, Int64(lanes),
                nil, false)
        }
        mio_image_relu_gradient(
            activation == .relu, bindings.output, gradient, Int64(pass.samples), Int64(planes), Int64(pixels),
            Int64(lanes), Int64(filters), dBias?.pointer)
        let passes = passes(pass.samples)
        if let target = bindings.inputGradients[0] {
            passes.forward()
            if let addend {
                mio_add(addend.pointer, target.pointer, Int64(pass.samples * inputElements))
            }
        } else {
            passes.copySource()
        }
        if let dKernel = bindings.weightGradients[0] {
            passes.copyGradient()
            passes.backwardWeights(adds: dKernel.adds(in: pass))
        }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        guard weight == 0 else { return canonical.update(from: stored, count: filters) }
        largest.copyKernel(stored: stored, to: canonical, backend.engine, name)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        guard weight == 0 else { return stored.update(from: canonical, count: filters) }
        stored.update(repeating: 0, count: weightElements)
        largest.copyKernel(canonical: canonical, to: stored, backend.engine, name)
    }
}
