import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// PReLU in vectors.
final class PReLUKernel: Kernel {
    private let bindings: Bindings
    private let axes: MergeAxes
    private let alphas: Int

    static func choice(_ layer: PReLU, _ request: KernelRequest) -> KernelChoice? {
        let shape = request.outputShape
        let alpha = layer.alphaShape(for: shape)
        guard shape.count > 0, MergeAxes([shape, alpha], to: shape) != nil else { return nil }
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [.canonical], weightElements: [alpha.count],
            weightLayouts: ["canonical"], backwardReadsOutput: false)
    }

    init(_ layer: PReLU, _ description: KernelDescription) {
        let shape = description.outputShape
        let alpha = layer.alphaShape(for: shape)
        bindings = description.bindings
        // Of all samples one alpha.
        guard let axes = MergeAxes(Broadcast([shape, alpha], to: shape), counts: [shape.count, 0]) else {
            preconditionFailure("more axes than were chosen")
        }
        self.axes = axes
        alphas = alpha.count
    }

    func prepare(samples: Int) {}

    private func loops(_ pass: Pass, gradientOfAlpha: Bool = false) -> mio_axes {
        axes.loops(samples: pass.samples, a: 0, b: 1, c: gradientOfAlpha ? 1 : 0)
    }

    func forward(_ pass: Pass) {
        var loops = loops(pass)
        mio_merge_tensors(
            mio_merge_prelu, &loops, bindings.inputs[0], bindings.weights[0], 1, bindings.output)
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        if let target = bindings.inputGradients[0] {
            var loops = loops(pass)
            mio_merge_backward(
                mio_gradient_prelu, &loops, gradient, bindings.inputs[0], bindings.weights[0], 1,
                target.pointer,
                target.flow == .adds)
        }
        if let target = bindings.weightGradients[0] {
            if !target.adds(in: pass) { target.pointer.update(repeating: 0, count: alphas) }
            var loops = loops(pass, gradientOfAlpha: true)
            mio_merge_backward(
                mio_gradient_prelu_alpha, &loops, gradient, bindings.inputs[0], bindings.weights[0], 1,
                target.pointer, true)
        }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: alphas)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: alphas)
    }
}
