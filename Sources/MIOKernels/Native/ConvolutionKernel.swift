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

    static func choice(_ layer: Conv2D, _ request: KernelRequest, _ backend: NativeBackend) -> KernelChoice? {
        guard request.outputShape.count > 0, Int32(exactly: layer.filters) != nil,
            layer.kernelSize[0].clampedTimes(layer.kernelSize[1]) <= largestWindow
        else { return nil }
        let channels = request.inputShapes[0][2]
        var best: KernelChoice?
        for outputLayout in backend.outputLayouts(layer, channels: channels) {
            let found = choice(layer, request, outputLayout: outputLayout, backend)
            if let found, !found.isPlain { return found.choice }
            best = best ?? found?.choice
        }
        return best
    }

    /// What runs where the output lies like this; `nil` if oneDNN has nothing.
    private static func choice(
        _ layer: Conv2D, _ request: KernelRequest, outputLayout: Layout, _ backend: NativeBackend
    ) -> (choice: KernelChoice, isPlain: Bool)? {
        let wanted = Convolution.Request(
            layer: layer, inputShape: request.inputShapes[0], outputShape: request.outputShape,
            inputLayout: request.inputLayouts[0], outputLayout: outputLayout,
            sharesWeights: request.sharesWeights,
            needsInputGradient: request.needsInputGradients[0], trainsWeights: request.trainsWeights)
        let picks = backend.picks(wanted, samples: request.samples)
        // What oneDNN refuses to describe, it cannot run: the plain implementation does.
        guard
            case .success(let found?) = Result(catching: { () throws(KernelError) in
                try Convolution(wanted, samples: request.samples, backend.engine, picks: picks)
            })
        else { return nil }
        // A smaller count may want more scratch: Winograd's depends on how the tiles are dealt out.
        var scratch = found.scratchElements(addsInputGradient: false)
        var (workspace, readsInput) = (found.workspaceElements, found.workspaceElements == 0)
        var (isPlain, canPassRelu) = (found.isPlain, found.canPassRelu)
        for samples in 1..<max(min(request.samples, 64), 2) {
            guard
                case .success(let smaller?) = Result(catching: { () throws(KernelError) in
                    try Convolution(wanted, samples: samples, like: found, backend.engine, picks: picks)
                })
            else { return nil }
            scratch = max(scratch, smaller.scratchElements(addsInputGradient: false))
            // Where oneDNN chooses the order, it may choose another one for each count.
            workspace = max(workspace, smaller.workspaceElements)
            readsInput = readsInput || smaller.workspaceElements == 0
            isPlain = isPlain || smaller.isPlain
            canPassRelu = canPassRelu && smaller.canPassRelu
        }
        let choice = KernelChoice(
            algorithm: found.algorithm, inputLayouts: request.inputLayouts,
            outputLayout: outputLayout,
            weightElements: [found.weights.elements] + (layer.useBias ? [layer.filters] : []),
            weightLayouts: [request.sharesWeights ? canonicalName : "onednn"]
                + (layer.useBias ? [canonicalName] : []),
            scratchElements: scratch, workspaceElements: workspace,
            // What was reordered is kept in the workspace.
            backwardReadsInputs: request.trainsWeights && readsInput,
            backwardReadsOutput: layer.activation != .linear, passesRelu: [canPassRelu],
            takesPassedRelu: layer.activation == .relu)
        return (choice, isPlain)
    }

    init(_ layer: Conv2D, _ description: KernelDescription, _ backend: NativeBackend) throws {
        name = layer.displayName
        activation = layer.activation
        useBias = layer.useBias
        reluIsPassed = description.reluIsPassed
        bindings = description.bindings
        self.backend = backend
        scratchElements = description.choice.scratchElements
        workspaceElements = description.choice.workspaceElements
        let layout = description.choice.outputLayout
        outputElements = layout.elements(of: description.outputShape)
        filters = layer.filters
        pixels = description.outputShape[0] * description.outputShape[1]
        (planes, lanes) = layout.planes(of: layer.filters)
        request = Convolution.Request(
            layer: layer, inputShape: description.inputShapes[0], outputShape: description.outputShape,
            inputLayout: description.choice.inputLayouts[0], outputLayout: layout,
            sharesWeights: description.choice.weightLayouts[0] == Self.canonicalName,
            needsInputGradient: bindings.inputGradients[0] != nil,
            trainsWeights: bindings.weightGradients[0] != nil)
        picks = backend.picks(request, samples: description.samples)
        guard
            let convolution = try Convolution(
                request, samples: description.samples, backend.engine, picks: picks)
        else {
            throw KernelError(
                operation: name, message: "there is no longer \(description.choice.algorithm)")
        }
        largest = convolution
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
            passed.pointer.update(repeating: 0, count: request.inputShape[2])
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
        copy(stored, largest.weights, to: canonical, largest.canonicalWeights)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        guard weight == 0 else { return stored.update(from: canonical, count: filters) }
        stored.update(repeating: 0, count: weightElements)
        copy(canonical, largest.canonicalWeights, to: stored, largest.weights)
    }

    private func copy(
        _ source: UnsafePointer<Float>, _ from: MemoryDescriptor, to target: UnsafeMutablePointer<Float>,
        _ to: MemoryDescriptor
    ) {
        do {
            try Execution.reorder(name, backend.engine, source, from, target, to).run()
        } catch {
            // oneDNN reorders between any two orders of the same axes.
            preconditionFailure("\(error)")
        }
    }
}
