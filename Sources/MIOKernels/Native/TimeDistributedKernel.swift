import MIOBase
import MIOGraph
import MIOPlan

/// The kernel of a layer, whose samples are the steps of all samples.
///
/// Where that wants its images in blocks, they are reordered here, before it and behind it.
final class TimeDistributedKernel: Kernel {
    private let steps: Int
    private let inner: any Kernel
    private let before: ReorderKernel?
    private let behind: ReorderKernel?

    /// Elements of one layout of a pass' images; none if they lie where the layer's own lie.
    private static func elements(_ layout: Layout, _ shape: Shape, samples: Int) -> Int {
        layout == .canonical ? 0 : samples * layout.elements(of: shape)
    }

    static func choice(_ layer: TimeDistributed, _ request: KernelRequest, _ backend: NativeBackend)
        -> KernelChoice?
    {
        // What needs the whole batch goes step by step, which the plain implementation does.
        guard !request.trainsWeights || layer.batchSums(for: request.inputShapes) == nil else { return nil }
        let samples = request.samples * request.inputShapes[0][0]
        let inputs = request.inputShapes.map(layer.step)
        let (input, output) = (inputs[0], layer.step(request.outputShape))
        let inner = backend.choose(
            request.inside(
                layer.layer, inputs: Array(inputs.indices), inputShapes: inputs, outputShapes: [output],
                samples: samples))
        // Only the first of several would be reordered.
        guard inputs.count == 1 || inner.inputLayouts.allSatisfy({ $0 == .canonical }) else { return nil }
        let around =
            (elements(inner.inputLayouts[0], input, samples: samples)
                + elements(inner.outputLayout, output, samples: samples)) * MemoryLayout<Float>.stride
        var choice = KernelChoice(
            algorithm: "of \(inner.kernel) (\(inner.algorithm))",
            inputLayouts: inputs.map { _ in .canonical },
            weightElements: inner.weightElements, weightLayouts: inner.weightLayouts,
            backwardReadsInputs: inner.backwardReadsInputs && inner.inputLayouts[0] == .canonical,
            backwardReadsOutput: inner.backwardReadsOutput && inner.outputLayout == .canonical)
        choice.scratchBytes = Arena.aligned(bytes: inner.scratchBytes) + around
        choice.workspaceBytes = Arena.aligned(bytes: inner.workspaceBytes) + around
        choice.inner = [inner]
        choice.listsRows = inner.listsRows
        return choice
    }

    init(_ layer: TimeDistributed, _ description: KernelDescription, _ backend: NativeBackend) throws {
        let steps = description.inputShapes[0][0]
        self.steps = steps
        let samples = description.samples * steps
        let inputs = description.inputShapes.map(layer.step)
        let (input, output) = (inputs[0], layer.step(description.outputShape))
        let choice = description.choice.inner[0]
        let outer = description.bindings
        var bindings = outer
        // The inner kernel's own memory comes first, what is reordered behind it.
        var values = outer.workspace.behind(choice.workspaceBytes)
        var gradients = outer.scratch.behind(choice.scratchBytes)
        func take(_ memory: inout UnsafeMutablePointer<Float>, _ count: Int) -> UnsafeMutablePointer<Float> {
            defer { memory += count }
            return memory
        }
        func reorder(
            from: Layout, to: Layout, _ shape: Shape, _ input: UnsafeMutablePointer<Float>,
            _ inputGradient: Gradient?,
            _ output: UnsafeMutablePointer<Float>, _ outputGradient: UnsafeMutablePointer<Float>?
        ) -> ReorderKernel {
            var around = outer
            around.inputs = [input]
            around.inputGradients = [inputGradient]
            around.outputs = [output]
            around.outputGradients = [outputGradient]
            return ReorderKernel(from: from, to: to, shape: shape, bindings: around)
        }
        let inputElements = Self.elements(choice.inputLayouts[0], input, samples: samples)
        if inputElements > 0 {
            bindings.inputs = [take(&values, inputElements)]
            bindings.inputGradients = [
                outer.inputGradients[0].map { _ in
                    Gradient(pointer: take(&gradients, inputElements), flow: .first)
                }
            ]
            before = reorder(
                from: .canonical, to: choice.inputLayouts[0], input, outer.inputs[0],
                outer.inputGradients[0], bindings.inputs[0], bindings.inputGradients[0]?.pointer)
        } else {
            before = nil
        }
        let outputElements = Self.elements(choice.outputLayout, output, samples: samples)
        if outputElements > 0 {
            bindings.outputs = [take(&values, outputElements)]
            bindings.outputGradients = [
                outer.outputGradient.map { _ in take(&gradients, outputElements) }
            ]
            behind = reorder(
                from: choice.outputLayout, to: .canonical, output, bindings.output,
                bindings.outputGradient.map { Gradient(pointer: $0, flow: .first) }, outer.output,
                outer.outputGradient)
        } else {
            behind = nil
        }
        inner = try backend.makeKernel(
            KernelDescription(
                layer: layer.layer, streams: description.streams, inputShapes: inputs,
                outputShapes: [output], inputElements: description.inputElements, choice: choice,
                samples: samples, reluIsPassed: false,
                bindings: bindings))
    }

    private func folded(_ pass: Pass) -> Pass {
        var inner = pass
        inner.samples *= steps
        inner.context = pass.context.folded(steps: steps)
        return inner
    }

    func prepare(samples: Int) throws { try inner.prepare(samples: samples * steps) }

    func forward(_ pass: Pass) {
        let pass = folded(pass)
        before?.forward(pass)
        inner.forward(pass)
        behind?.forward(pass)
    }

    func backward(_ pass: Pass) {
        let pass = folded(pass)
        behind?.backward(pass)
        inner.backward(pass)
        before?.backward(pass)
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        inner.convert(weight: weight, stored: stored, to: canonical)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        inner.convert(weight: weight, canonical: canonical, to: stored)
    }
}
