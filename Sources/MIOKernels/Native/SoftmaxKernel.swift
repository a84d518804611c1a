import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Softmax over axes that follow each other, in vectors, of what a mask lets count.
final class SoftmaxKernel: WeightlessKernel {
    private let bindings: Bindings
    private let axes: MergeAxes?
    private let elements: Int
    /// Of a sample: elements before the axes, along them and behind them.
    private let extents: AxisGroups.Extents

    static func choice(_ layer: Softmax, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.count > 0, layer.groups(request.outputShape).extents != nil,
            request.inputShapes.count == 1
                || MergeAxes(request.inputShapes, to: request.outputShape) != nil
        else { return nil }
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: request.inputShapes.map { _ in .canonical },
            weightElements: [], weightLayouts: [], backwardReadsInputs: false)
    }

    init(_ layer: Softmax, _ description: KernelDescription) {
        bindings = description.bindings
        let shape = description.outputShape
        guard let extents = layer.groups(shape).extents else { preconditionFailure("axes were chosen") }
        self.extents = extents
        elements = shape.count
        axes = description.inputShapes.count == 2 ? MergeAxes(description.inputShapes, to: shape) : nil
    }

    func forward(_ pass: Pass) {
        if let axes {
            var loops = axes.loops(samples: pass.samples, a: 0, b: 1)
            mio_merge_tensors(
                mio_merge_masked, &loops, bindings.inputs[0], bindings.inputs[1], -.infinity, bindings.output)
        } else {
            bindings.output.update(from: bindings.inputs[0], count: pass.samples * elements)
        }
        mio_softmax_columns(
            bindings.output, Int64(pass.samples * extents.outer), Int64(extents.count), Int64(extents.inner))
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        if axes != nil, let mask = bindings.inputGradients[1], mask.flow == .first {
            mask.pointer.update(repeating: 0, count: pass.samples * maskElements)
        }
        guard let target = bindings.inputGradients[0] else { return }
        mio_softmax_columns_gradient(
            bindings.output, gradient, target.pointer, Int64(pass.samples * extents.outer),
            Int64(extents.count), Int64(extents.inner), target.flow == .adds)
    }

    private var maskElements: Int { axes?.elements(of: 1) ?? 0 }
}
