import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Unit normalization over axes that follow each other, in vectors.
final class UnitNormalizationKernel: WeightlessKernel {
    private let bindings: Bindings
    private let extents: AxisGroups.Extents

    static func choice(_ layer: UnitNormalization, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.count > 0, layer.groups(request.outputShape).extents != nil else {
            return nil
        }
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [.canonical], weightElements: [], weightLayouts: [],
            backwardReadsOutput: false)
    }

    init(_ layer: UnitNormalization, _ description: KernelDescription) {
        bindings = description.bindings
        guard let extents = layer.groups(description.outputShape).extents else {
            preconditionFailure("axes were chosen")
        }
        self.extents = extents
    }

    func forward(_ pass: Pass) {
        mio_unit_normalization(
            bindings.inputs[0], bindings.output, Int64(pass.samples * extents.outer), Int64(extents.count),
            Int64(extents.inner))
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient, let target = bindings.inputGradients[0] else { return }
        mio_unit_normalization_gradient(
            bindings.inputs[0], gradient, target.pointer, Int64(pass.samples * extents.outer),
            Int64(extents.count), Int64(extents.inner), target.flow == .adds)
    }
}
