import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// A separable convolution: the kernels of its two parts, with the image between them in the workspace.
final class SeparableKernel: Kernel {
    private let depthwise: any Kernel
    private let pointwise: any Kernel

    static func choice(_ layer: any SeparableLayer, _ request: KernelRequest, _ backend: NativeBackend)
        -> KernelChoice?
    {
        guard layer.dataFormat == .channelsLast, request.outputShape.count > 0 else { return nil }
        let parts = layer.parts
        let shape = layer.shapeBetween(request.inputShapes)
        func choose(
            _ part: any Layer, _ input: Shape, _ layout: Layout, _ output: Shape, needsInputGradient: Bool
        ) -> KernelChoice {
            backend.choose(
                KernelRequest(
                    layer: part, inputShapes: [input], inputLayouts: [layout], outputShapes: [output],
                    samples: request.samples, sharesWeights: request.sharesWeights,
                    needsInputGradients: [needsInputGradient], trainsWeights: request.trainsWeights))
        }
        let first = choose(
            parts.depthwise, request.inputShapes[0], request.inputLayouts[0], shape,
            needsInputGradient: request.needsInputGradients[0])
        let second = choose(
            parts.pointwise, shape, first.outputLayout, request.outputShape,
            needsInputGradient: request.needsInputGradients[0] || request.trainsWeights)
        guard second.inputLayouts[0] == first.outputLayout else { return nil }
        let between = request.samples * first.outputLayout.elements(of: shape)
        var choice = KernelChoice(
            algorithm: "\(first.algorithm); \(second.algorithm)", inputLayouts: first.inputLayouts,
            outputLayout: second.outputLayout, weightElements: first.weightElements + second.weightElements,
            weightLayouts: first.weightLayouts + second.weightLayouts,
            scratchElements: aligned(max(first.scratchElements, second.scratchElements)) + between,
            workspaceElements: aligned(first.workspaceElements) + aligned(second.workspaceElements) + between,
            backwardReadsInputs: first.backwardReadsInputs, backwardReadsOutput: second.backwardReadsOutput)
        choice.inner = [first, second]
        return choice
    }

    init(_ layer: any SeparableLayer, _ description: KernelDescription, _ backend: NativeBackend) throws {
        let parts = layer.parts
        let (first, second) = (description.choice.inner[0], description.choice.inner[1])
        let outer = description.bindings
        let shape = layer.shapeBetween(description.inputShapes)
        let between = outer.workspace + aligned(first.workspaceElements) + aligned(second.workspaceElements)
        let gradient = outer.scratch + aligned(max(first.scratchElements, second.scratchElements))
        let hasGradient =
            outer.outputGradient != nil
            && (outer.inputGradients[0] != nil || outer.weightGradients.contains { $0 != nil })
        func kernel(_ part: any Layer, _ choice: KernelChoice, _ shapes: (Shape, Shape), _ bindings: Bindings)
            throws -> any Kernel
        {
            try backend.makeKernel(
                KernelDescription(
                    layer: part, streams: description.streams, inputShapes: [shapes.0],
                    outputShapes: [shapes.1], inputElements: [], choice: choice,
                    samples: description.samples, reluIsPassed: false, bindings: bindings))
        }
        var bindings = outer
        bindings.passedRelu = [nil]
        bindings.outputs = [between]
        bindings.outputGradients = [hasGradient ? gradient : nil]
        bindings.weights = [outer.weights[0]]
        bindings.weightGradients = [outer.weightGradients[0]]
        depthwise = try kernel(parts.depthwise, first, (description.inputShapes[0], shape), bindings)
        bindings = outer
        bindings.passedRelu = [nil]
        bindings.inputs = [between]
        bindings.inputGradients = [hasGradient ? Gradient(pointer: gradient, flow: .first) : nil]
        bindings.weights = Array(outer.weights.dropFirst())
        bindings.weightGradients = Array(outer.weightGradients.dropFirst())
        bindings.workspace = outer.workspace + aligned(first.workspaceElements)
        pointwise = try kernel(parts.pointwise, second, (shape, description.outputShape), bindings)
    }

    func prepare(samples: Int) throws {
        try depthwise.prepare(samples: samples)
        try pointwise.prepare(samples: samples)
    }

    func forward(_ pass: Pass) {
        depthwise.forward(pass)
        pointwise.forward(pass)
    }

    func backward(_ pass: Pass) {
        pointwise.backward(pass)
        depthwise.backward(pass)
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        if weight == 0 {
            depthwise.convert(weight: 0, stored: stored, to: canonical)
        } else {
            pointwise.convert(weight: weight - 1, stored: stored, to: canonical)
        }
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        if weight == 0 {
            depthwise.convert(weight: 0, canonical: canonical, to: stored)
        } else {
            pointwise.convert(weight: weight - 1, canonical: canonical, to: stored)
        }
    }
}
