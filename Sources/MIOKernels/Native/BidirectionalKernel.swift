import MIOBase
import MIOGraph
import MIOPlan

/// Two kernels of recurrent layers, and the merge of what they put out.
final class BidirectionalKernel: Kernel {
    private let layer: Bidirectional
    private let bindings: Bindings
    private let merge: BidirectionalMerge
    /// Forward, backward.
    private let kernels: [any Kernel]
    /// Their outputs, and the gradients of these where there is a backward.
    private let outputs: [UnsafeMutablePointer<Float>]
    private let gradients: [UnsafeMutablePointer<Float>]

    private static func layers(_ layer: Bidirectional) -> [any RecurrentLayer] {
        [layer.forwardLayer, layer.backwardLayer]
    }

    /// The shapes of one of the layers' results.
    private static func results(_ layer: Bidirectional, _ results: [Shape], _ input: Shape, _ direction: Int)
        -> [Shape]
    {
        let output: Shape =
            layer.forwardLayer.returnSequences
            ? [input[0], layer.forwardLayer.units] : [layer.forwardLayer.units]
        return [output] + layer.states(results, direction: direction)
    }

    static func choice(_ layer: Bidirectional, _ request: KernelRequest, _ backend: NativeBackend)
        -> KernelChoice?
    {
        let inner = layers(layer).enumerated().map { direction, one in
            backend.choose(
                request.inside(
                    one, inputs: layer.inputs(Array(request.inputShapes.indices), direction: direction),
                    inputShapes: layer.inputs(request.inputShapes, direction: direction),
                    outputShapes: results(layer, request.outputShapes, request.inputShapes[0], direction),
                    samples: request.samples))
        }
        let merge = BidirectionalMerge(layer, input: request.inputShapes[0])
        var choice = KernelChoice(
            algorithm: "of " + inner.map { "\($0.kernel) (\($0.algorithm))" }.joined(separator: " and "),
            inputLayouts: request.inputShapes.map { _ in .canonical },
            weightElements: inner.flatMap(\.weightElements), weightLayouts: inner.flatMap(\.weightLayouts),
            backwardReadsInputs: inner.contains { $0.backwardReadsInputs }, backwardReadsOutput: false)
        let around = Arena.aligned(bytes: 2 * request.samples * merge.count * MemoryLayout<Float>.stride)
        choice.scratchBytes = around + (inner.map(\.scratchBytes).max() ?? 0)
        choice.workspaceBytes =
            around + inner.reduce(0) { $0 + Arena.aligned(bytes: $1.workspaceBytes) }
        choice.inner = inner
        return choice
    }

    init(_ layer: Bidirectional, _ description: KernelDescription, _ backend: NativeBackend) throws {
        self.layer = layer
        let bindings = description.bindings
        self.bindings = bindings
        let merge = BidirectionalMerge(layer, input: description.inputShapes[0])
        self.merge = merge
        let size = description.samples * merge.count
        let hasBackward = bindings.outputGradients.contains { $0 != nil }
        var (workspace, scratch) = (bindings.workspace, bindings.scratch)
        outputs = [workspace, workspace + size]
        gradients = [scratch, scratch + size]
        workspace = workspace.behind(2 * size * MemoryLayout<Float>.stride)
        scratch = scratch.behind(2 * size * MemoryLayout<Float>.stride)
        var kernels: [any Kernel] = []
        var weight = 0
        for (direction, one) in Self.layers(layer).enumerated() {
            let choice = description.choice.inner[direction]
            let weights = weight..<weight + choice.weightElements.count
            weight = weights.upperBound
            var gradientsOfInputs = layer.inputs(bindings.inputGradients, direction: direction)
            // The sequence's gradient is the sum of both.
            if direction == 1, let gradient = gradientsOfInputs[0] {
                gradientsOfInputs[0] = Gradient(pointer: gradient.pointer, flow: .adds)
            }
            let inner = Bindings(
                inputs: layer.inputs(bindings.inputs, direction: direction),
                inputGradients: gradientsOfInputs,
                passedRelu: gradientsOfInputs.map { _ in nil },
                masks: bindings.masks.isEmpty ? [] : layer.inputs(bindings.masks, direction: direction),
                outputs: [outputs[direction]] + layer.states(bindings.outputs, direction: direction),
                outputGradients: [hasBackward ? gradients[direction] : nil]
                    + layer.states(bindings.outputGradients, direction: direction),
                weights: Array(bindings.weights[weights]),
                weightGradients: Array(bindings.weightGradients[weights]),
                scratch: scratch, workspace: workspace, forwardSums: nil, backwardSums: nil)
            workspace = workspace.behind(choice.workspaceBytes)
            kernels.append(
                try backend.makeKernel(
                    KernelDescription(
                        layer: one, streams: description.streams.inside(direction),
                        inputShapes: layer.inputs(description.inputShapes, direction: direction),
                        outputShapes: Self.results(
                            layer, description.outputShapes, description.inputShapes[0], direction),
                        inputElements: [], choice: choice, samples: description.samples, reluIsPassed: false,
                        bindings: inner)))
        }
        self.kernels = kernels
    }

    func prepare(samples: Int) throws {
        for kernel in kernels { try kernel.prepare(samples: samples) }
    }

    func forward(_ pass: Pass) {
        for kernel in kernels { kernel.forward(pass) }
        merge.forward(
            outputs[0], outputs[1], samples: pass.samples, to: bindings.outputs[0],
            second: layer.outputCount > 1 ? bindings.outputs[1] : nil)
    }

    func backward(_ pass: Pass) {
        merge.backward(
            bindings.outputGradients[0].map { UnsafePointer($0) },
            second: (layer.outputCount > 1 ? bindings.outputGradients[1] : nil).map { UnsafePointer($0) },
            outputs[0], outputs[1], samples: pass.samples, to: gradients[0], gradients[1])
        for kernel in kernels { kernel.backward(pass) }
    }

    /// The kernel that keeps a weight, and the weight's number in it: both have as many.
    private func owner(_ weight: Int) -> (any Kernel, Int) {
        let each = bindings.weights.count / 2
        return (kernels[weight / each], weight % each)
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        let (kernel, number) = owner(weight)
        kernel.convert(weight: number, stored: stored, to: canonical)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        let (kernel, number) = owner(weight)
        kernel.convert(weight: number, canonical: canonical, to: stored)
    }
}
