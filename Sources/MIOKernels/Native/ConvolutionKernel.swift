import CDenseLoops
import COneDNN
import MIOBase
import MIOGraph
import MIOPlan

/// A convolution, each pass in the way that was measured to be fastest here, mio's own Winograd or one of oneDNN's;
/// bias and relu fused.
///
/// dz = f′ · dy and the bias' gradient are one pass in place over dy; then
/// dKernel = x ⋆ dz, dx = dz ⋆ kernelᵀ.
///
/// The fused relu of oneDNN turns a NaN into 0, unlike the plain one and mio's own: a diverged run shows in the loss and the
/// gradients' norm, not behind this layer.
final class ConvolutionKernel: Kernel {
    private let name: String
    private let activation: Activation
    private let useBias: Bool
    private let reluIsPassed: Bool
    private let bindings: Bindings
    private let request: Convolution.Request
    private let backend: NativeBackend
    private let picks: (ConvolutionPass) -> ConvolutionCandidate
    private let scratchElements: Int
    private let workspaceElements: Int
    private let outputElements: Int
    private let (planes, lanes, pixels, filters): (Int, Int, Int, Int)
    private let weightElements: Int
    /// Of as many samples as a pass has at the most, which decides how the weights are kept.
    private let largest: Convolution
    /// By their count of samples; a handful.
    private var prepared: [ConvolutionPasses] = []

    private static let canonicalName = "canonical"
    /// Elements of a window that oneDNN is asked for: it makes tables as large as the window. The plain loops look at the
    /// part of a window that lies in the image.
    private static let largestWindow = 1 << 16

    static func choice(_ layer: any ConvolutionLayer, _ request: KernelRequest, _ backend: NativeBackend)
        -> KernelChoice?
    {
        guard !layer.isTransposed, layer.dataFormat == .channelsLast,
            let convolution = try? layer.resolved(request.inputShapes).convolution, canRun(convolution)
        else { return nil }
        let layouts =
            request.outputShape.rank == 3
            ? backend.outputLayouts(convolution, inputLayout: request.inputLayouts[0]) : [.canonical]
        var best: KernelChoice?
        for outputLayout in layouts {
            let found = choice(convolution, request, outputLayout: outputLayout, backend)
            if let found, !found.isPlain { return found.choice }
            best = best ?? found?.choice
        }
        return best
    }

    /// Whether its sizes are those that oneDNN takes.
    static func canRun(_ convolution: ImageConvolution) -> Bool {
        let geometry = convolution.geometry
        let (height, width) = (geometry.height, geometry.width)
        let sizes = [convolution.filters, height.before, height.after, width.before, width.after]
        return convolution.inputShape.count > 0 && convolution.outputShape.count > 0
            && sizes.allSatisfy { Int32(exactly: $0) != nil }
            && height.size.clampedTimes(width.size) <= largestWindow
    }

    /// What runs where the output lies like this; `nil` if oneDNN has nothing.
    static func choice(
        _ convolution: ImageConvolution, _ request: KernelRequest, outputLayout: Layout,
        _ backend: NativeBackend
    ) -> (choice: KernelChoice, isPlain: Bool)? {
        let wanted = Convolution.Request(
            convolution: convolution, inputLayout: request.inputLayouts[0], outputLayout: outputLayout,
            sharesWeights: request.sharesWeights,
            needsInputGradient: request.needsInputGradients[0], trainsWeights: request.trainsWeights)
        let picks = backend.picks(wanted, samples: request.samples)
        guard let needs = ConvolutionNeeds(wanted, samples: request.samples, backend.engine, picks: picks)
        else { return nil }
        let found = needs.convolution
        let choice = KernelChoice(
            algorithm: found.algorithm, inputLayouts: request.inputLayouts,
            outputLayout: outputLayout,
            weightElements: [found.weights.elements] + (convolution.useBias ? [convolution.filters] : []),
            weightLayouts: [request.sharesWeights ? canonicalName : "onednn"]
                + (convolution.useBias ? [canonicalName] : []),
            scratchElements: needs.scratch, workspaceElements: needs.workspace,
            // What was reordered is kept in the workspace.
            backwardReadsInputs: request.trainsWeights && needs.readsInput,
            backwardReadsOutput: convolution.activation != .linear, passesRelu: [needs.canPassRelu],
            takesPassedRelu: convolution.activation == .relu)
        return (choice, needs.isPlain)
    }

    convenience init(
        _ layer: any ConvolutionLayer, _ description: KernelDescription, _ backend: NativeBackend
    ) throws {
        guard let convolution = try? layer.resolved(description.inputShapes).convolution else {
            preconditionFailure("the graph has checked the shapes of every call")
        }
        try self.init(convolution, description, backend)
    }

    init(_ convolution: ImageConvolution, _ description: KernelDescription, _ backend: NativeBackend) throws {
        name = convolution.name
        activation = convolution.activation
        useBias = convolution.useBias
        reluIsPassed = description.reluIsPassed
        bindings = description.bindings
        self.backend = backend
        scratchElements = description.choice.scratchElements
        workspaceElements = description.choice.workspaceElements
        let layout = description.choice.outputLayout
        let image = convolution.outputShape
        outputElements = layout.elements(of: image)
        filters = convolution.filters
        pixels = image[0] * image[1]
        (planes, lanes) = layout.planes(of: filters)
        request = Convolution.Request(
            convolution: convolution, inputLayout: description.choice.inputLayouts[0], outputLayout: layout,
            sharesWeights: description.choice.weightLayouts[0] == Self.canonicalName,
            needsInputGradient: bindings.inputGradients[0] != nil,
            trainsWeights: bindings.weightGradients[0] != nil)
        picks = backend.picks(request, samples: description.samples)
        guard
            let found = try Convolution(request, samples: description.samples, backend.engine, picks: picks)
        else {
            throw KernelError(
                operation: name, message: "there is no longer \(description.choice.algorithm)")
        }
        largest = found
        weightElements = description.choice.weightElements[0]
    }

    func prepare(samples: Int) throws {
        guard !prepared.contains(where: { $0.samples == samples }) else { return }
        backend.prepareThread()
        guard
            let convolution = try Convolution(
                request, samples: samples, like: largest, backend.engine, picks: picks),
            convolution.workspaceElements <= workspaceElements
        else {
            throw KernelError(
                operation: name, message: "oneDNN has no such convolution of \(samples) samples")
        }
        prepared.append(
            try ConvolutionPasses(
                name, convolution, samples: samples, bindings, scratchElements: scratchElements,
                useBias: useBias, relu: activation == .relu, backend.engine))
    }

    private func passes(_ samples: Int) -> ConvolutionPasses {
        for passes in prepared where passes.samples == samples { return passes }
        preconditionFailure("\(name) is not prepared for \(samples) samples")
    }

    func forward(_ pass: Pass) {
        passes(pass.samples).forward()
        // Relu is fused already.
        if activation != .linear, activation != .relu {
            let count = pass.samples * outputElements
            mio_bias_activation(activation.code, bindings.output, nil, Int64(count / lanes), Int64(lanes))
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        let dBias = useBias && !reluIsPassed ? bindings.weightGradients[1] : nil
        if let dBias, !dBias.adds(in: pass) { dBias.pointer.update(repeating: 0, count: filters) }
        let dKernel = bindings.weightGradients[0]
        if let passed = bindings.passedRelu[0]?.biasGradient, !passed.adds(in: pass) {
            passed.pointer.update(repeating: 0, count: request.convolution.channels)
        }
        if !reluIsPassed { passActivation(pass, gradient, dBias?.pointer) }
        let passes = passes(pass.samples)
        passes.copyGradient()
        if let dKernel { passes.backwardWeights(adds: dKernel.adds(in: pass)) }
        passes.backwardData()
    }

    /// dz ← f′ · dy in place, and its sum over the pixels added to the bias' gradient.
    private func passActivation(
        _ pass: Pass, _ gradient: UnsafeMutablePointer<Float>, _ dBias: UnsafeMutablePointer<Float>?
    ) {
        if activation != .linear, activation != .relu {
            let rows = pass.samples * outputElements / lanes
            mio_activation_gradient(
                activation.code, bindings.output, gradient, Int64(rows), Int64(lanes), gradient, Int64(lanes),
                nil, false)
        }
        mio_image_relu_gradient(
            activation == .relu, bindings.output, gradient, Int64(pass.samples), Int64(planes), Int64(pixels),
            Int64(lanes), Int64(filters), dBias)
    }

    // MARK: Weights

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
