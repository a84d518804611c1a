import MIOPlan
import MIOTensor

/// Copies a tensor from one layout to another; backward copies the gradient the other way.
final class ReorderKernel: Kernel {
    private let from: Layout
    private let to: Layout
    private let shape: Shape
    private let bindings: Bindings

    /// - Precondition: one of the layouts is canonical.
    init(from: Layout, to: Layout, shape: Shape, bindings: Bindings) {
        precondition(from == .canonical || to == .canonical, "no reordering from \(from) to \(to)")
        self.from = from
        self.to = to
        self.shape = shape
        self.bindings = bindings
    }

    func prepare(samples: Int) {}

    func forward(_ pass: Pass) {
        Self.copy(
            bindings.inputs[0], from, to: bindings.output, to, shape, samples: pass.samples, adds: false)
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient, let target = bindings.inputGradients[0] else { return }
        Self.copy(
            gradient, to, to: target.pointer, from, shape, samples: pass.samples, adds: target.flow == .adds)
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {}
    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {}

    private static func copy(
        _ source: UnsafePointer<Float>, _ from: Layout, to target: UnsafeMutablePointer<Float>, _ to: Layout,
        _ shape: Shape, samples: Int, adds: Bool
    ) {
        let (sourceElements, targetElements) = (from.elements(of: shape), to.elements(of: shape))
        for sample in 0..<samples {
            let x = source + sample * sourceElements
            let y = target + sample * targetElements
            // Padding stays zero: sums over it must not see what lay there.
            if !adds, targetElements != shape.count { y.update(repeating: 0, count: targetElements) }
            forEachPair(from, to, shape) { i, j in y[j] = adds ? y[j] + x[i] : x[i] }
        }
    }

    @inline(__always)
    private static func forEachPair(_ from: Layout, _ to: Layout, _ shape: Shape, _ body: (Int, Int) -> Void)
    {
        switch (from, to) {
        case (.canonical, .channelBlocked(let block)):
            Layout.forEachBlocked(shape, block: block) { body($0, $1) }
        case (.channelBlocked(let block), .canonical):
            Layout.forEachBlocked(shape, block: block) { body($1, $0) }
        case (.canonical, .flattenedBlocked(let image, let block)):
            Layout.forEachBlocked(image, block: block) { body($0, $1) }
        case (.flattenedBlocked(let image, let block), .canonical):
            Layout.forEachBlocked(image, block: block) { body($1, $0) }
        default:
            for i in 0..<shape.count { body(i, i) }
        }
    }
}
