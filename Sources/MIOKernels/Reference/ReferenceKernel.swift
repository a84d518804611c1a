import MIOGraph
import MIOPlan
import MIOTensor

extension ReferenceBackend: KernelBackend {
    public func makeKernel(_ description: KernelDescription) -> any Kernel { ReferenceKernel(description) }
}

/// Runs a layer's plain implementation on the plan's memory.
public final class ReferenceKernel: Kernel {
    private let layer: any Layer
    private let bindings: Bindings
    private let inputElements: [Int]
    private let weightElements: [Int]
    private var forwardCall: ForwardCall<Float>
    private var backwardCall: BackwardCall<Float>?

    public init(_ description: KernelDescription) {
        layer = description.layer
        bindings = description.bindings
        inputElements = description.inputShapes.map(\.count)
        weightElements = description.choice.weightElements
        forwardCall = ForwardCall(
            samples: 0, streams: description.streams, inputShapes: description.inputShapes,
            outputShape: description.outputShape, inputs: bindings.inputs.map { UnsafePointer($0) },
            weights: bindings.weights.map { UnsafePointer($0) }, output: bindings.output,
            kept: description.choice.workspaceElements == 0 ? nil : bindings.workspace,
            scratch: description.choice.scratchElements == 0 ? nil : bindings.scratch)
        backwardCall = bindings.outputGradient.map { gradient in
            BackwardCall(
                forward: forwardCall, outputGradient: UnsafePointer(gradient),
                inputGradients: bindings.inputGradients.map { $0?.pointer },
                weightGradients: bindings.weightGradients.map { $0?.pointer })
        }
    }

    public func prepare(samples: Int) {}

    public func forward(_ pass: Pass) {
        forwardCall.samples = pass.samples
        forwardCall.context = pass.context
        layer.forward(forwardCall)
    }

    public func backward(_ pass: Pass) {
        guard backwardCall != nil else { return }
        backwardCall!.forward.samples = pass.samples
        backwardCall!.forward.context = pass.context
        // A layer's backward adds; where this call is the first, there must be nothing to add to.
        for (index, gradient) in bindings.inputGradients.enumerated() {
            if let gradient, gradient.flow == .first {
                gradient.pointer.update(repeating: 0, count: pass.samples * inputElements[index])
            }
        }
        for (index, gradient) in bindings.weightGradients.enumerated() {
            if let gradient, !gradient.adds(in: pass) {
                gradient.pointer.update(repeating: 0, count: weightElements[index])
            }
        }
        layer.backward(backwardCall!)
    }

    public func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>)
    {
        canonical.update(from: stored, count: weightElements[weight])
    }

    public func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>)
    {
        stored.update(from: canonical, count: weightElements[weight])
    }
}
