import CDenseLoops
import MIOBase
import MIOPlan

/// Copies an image between Keras' order and blocks of channels; backward copies the gradient the other way.
final class ReorderKernel: WeightlessKernel {
    private let toBlocks: Bool
    private let block: Int
    /// (height, width, channels).
    private let image: Shape
    private let bindings: Bindings

    /// - Precondition: one of the layouts is canonical, the other one blocked.
    init(from: Layout, to: Layout, shape: Shape, bindings: Bindings) {
        toBlocks = from == .canonical
        switch toBlocks ? to : from {
        case .channelBlocked(let block): (self.block, image) = (block, shape)
        case .flattenedBlocked(let image, let block): (self.block, self.image) = (block, image)
        case .canonical: preconditionFailure("no reordering from \(from) to \(to)")
        }
        precondition(from == .canonical || to == .canonical, "no reordering from \(from) to \(to)")
        self.bindings = bindings
    }

    func forward(_ pass: Pass) {
        move(bindings.inputs[0], to: bindings.output, toBlocks: toBlocks, samples: pass.samples, adds: false)
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient, let target = bindings.inputGradients[0] else { return }
        move(
            gradient, to: target.pointer, toBlocks: !toBlocks, samples: pass.samples,
            adds: target.flow == .adds)
    }

    private func move(
        _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, toBlocks: Bool, samples: Int,
        adds: Bool
    ) {
        mio_move_blocks(
            toBlocks, Int64(samples), Int64(image[0] * image[1]), Int64(image[2]), Int64(block), source,
            target, adds)
    }
}
