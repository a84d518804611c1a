import MIOBase
import MIOGraph
import MIOPlan

extension ReferenceBackend: KernelBackend {
    package func makeKernel(_ description: KernelDescription) -> any Kernel { ReferenceKernel(description) }
}

/// Runs a layer's plain implementation on the plan's memory.
package final class ReferenceKernel: Kernel {
    private let layer: any Layer
    private let bindings: Bindings
    private let inputElements: [Int]
    private let weightElements: [Int]
    private var forwardCall: ForwardCall<Float>
    private var backwardCall: BackwardCall<Float>?

    package init(_ description: KernelDescription) {
        layer = description.layer
        bindings = description.bindings
        inputElements = description.inputShapes.map(\.count)
        weightElements = description.choice.weightElements
        forwardCall = ForwardCall(
            samples: 0, streams: description.streams, inputShapes: description.inputShapes,
            outputShapes: description.outputShapes, inputElements: description.inputElements,
            inputs: bindings.inputs.map { UnsafePointer($0) },
            masks: bindings.masks.map { $0.map { UnsafePointer($0) } },
            weights: bindings.weights.map { UnsafePointer($0) }, outputs: bindings.outputs,
            kept: description.choice.workspaceElements == 0 ? nil : bindings.workspace,
            scratch: description.choice.scratchElements == 0 ? nil : bindings.scratch,
            counts: CallCounts(
                layer, inputShapes: description.inputShapes, outputShape: description.outputShape))
        let gradients = bindings.outputGradients.map { $0.map { UnsafePointer($0) } }
        if gradients.contains(where: { $0 != nil }) {
            backwardCall = BackwardCall(
                forward: forwardCall, outputGradients: gradients,
                inputGradients: bindings.inputGradients.map { $0?.pointer },
                weightGradients: bindings.weightGradients.map { $0?.pointer })
        }
    }

    package func prepare(samples: Int) {}

    package func forward(_ pass: Pass) {
        begin(pass)
        forwardCall.batchSums = pass.usesBatchSums ? bindings.forwardSums : nil
        layer.forward(forwardCall)
    }

    package func addForwardSums(_ pass: Pass, to sums: UnsafeMutablePointer<Double>) {
        begin(pass)
        layer.addForwardSums(forwardCall, to: sums)
    }

    package func addBackwardSums(_ pass: Pass, to sums: UnsafeMutablePointer<Double>) {
        guard backwardCall != nil else { return }
        beginBackward(pass)
        layer.addBackwardSums(backwardCall!, to: sums)
    }

    private func begin(_ pass: Pass) {
        forwardCall.samples = pass.samples
        forwardCall.context = pass.context
    }

    private func beginBackward(_ pass: Pass) {
        backwardCall!.forward.samples = pass.samples
        backwardCall!.forward.context = pass.context
        backwardCall!.forward.batchSums = pass.usesBatchSums ? bindings.forwardSums : nil
        backwardCall!.batchSums = pass.usesBatchSums ? bindings.backwardSums : nil
    }

    package func backward(_ pass: Pass) {
        guard backwardCall != nil else { return }
        beginBackward(pass)
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

    package func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>)
    {
        canonical.update(from: stored, count: weightElements[weight])
    }

    package func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>)
    {
        stored.update(from: canonical, count: weightElements[weight])
    }
}
