import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// One number for all elements along axes, in vectors, whichever axes these are.
final class ReductionKernel: WeightlessKernel {
    private let function: Reduction.Function
    private let bindings: Bindings
    /// Of the input, and of the result.
    private let axes: MergeAxes
    private let inputElements: Int
    private let outputElements: Int

    static func choice(_ layer: Reduction, _ request: KernelRequest) -> KernelChoice? {
        let input = request.inputShapes[0]
        guard input.count > 0, MergeAxes([input, layer.keptShape(of: input)], to: input) != nil
        else { return nil }
        let isExtreme = [.max, .min].contains(layer.function)
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [.canonical], weightElements: [], weightLayouts: [],
            scratchElements: isExtreme ? request.samples * request.outputShape.count : 0,
            backwardReadsInputs: isExtreme, backwardReadsOutput: isExtreme)
    }

    init(_ layer: Reduction, _ description: KernelDescription) {
        function = layer.function
        bindings = description.bindings
        let input = description.inputShapes[0]
        guard let axes = MergeAxes([input, layer.keptShape(of: input)], to: input) else {
            preconditionFailure("more axes than were chosen")
        }
        self.axes = axes
        inputElements = input.count
        outputElements = description.outputShape.count
    }

    /// What the sum is multiplied by.
    private var scale: Float {
        function == .mean ? Float(outputElements) / Float(inputElements) : 1
    }

    func forward(_ pass: Pass) {
        let (x, y) = (bindings.inputs[0], bindings.output)
        let count = pass.samples * outputElements
        var loops = axes.loops(samples: pass.samples, a: nil, b: nil, c: 1)
        switch function {
        case .sum, .mean:
            y.update(repeating: 0, count: count)
            mio_merge_backward(mio_gradient_scaled, &loops, x, x, x, 1, y, true)
            if scale != 1 { for index in 0..<count { y[index] *= scale } }
        case .max, .min:
            y.update(repeating: function == .max ? -.infinity : .infinity, count: count)
            mio_reduced_extremes(&loops, function == .max, x, y)
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient, let target = bindings.inputGradients[0] else { return }
        let adds = target.flow == .adds
        switch function {
        case .sum, .mean:
            var loops =
                adds
                ? axes.loops(samples: pass.samples, a: nil, b: 1)
                : axes.loops(samples: pass.samples, a: 1, b: nil)
            mio_merge_tensors(
                adds ? mio_merge_added_scaled : mio_merge_first_scaled, &loops,
                adds ? UnsafePointer(target.pointer) : UnsafePointer(gradient), gradient, scale,
                target.pointer)
        case .max, .min:
            // Elements that are equal to the result share its gradient.
            bindings.scratch.update(repeating: 0, count: pass.samples * outputElements)
            var loops = axes.loops(samples: pass.samples, a: 1, b: 1, c: 1)
            mio_reduced_extremes_gradient(
                &loops, bindings.inputs[0], bindings.output, gradient, bindings.scratch, target.pointer, adds)
        }
    }
}
