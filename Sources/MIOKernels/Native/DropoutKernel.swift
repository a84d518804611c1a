import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Dropout in vectors, of the same random numbers as the plain one, on canonical and on blocked images alike.
final class DropoutKernel: WeightlessKernel {
    private let layer: any ElementDropout
    private let streams: RandomStreams
    private let bindings: Bindings
    private var drops: mio_drops
    private let elements: Int

    static func choice(_ layer: any ElementDropout, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.count > 0, request.outputShape.count <= UInt32.max else { return nil }
        let given = request.inputLayouts[0]
        // Elsewhere the elements that pad a blocked image would not stay 0.
        let keepsZero = layer.shift == 0 && layer.dropped == 0
        let layout = !keepsZero || given.drops(of: request.outputShape) == nil ? .canonical : given
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], outputLayout: layout, weightElements: [],
            weightLayouts: [], backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ layer: any ElementDropout, _ description: KernelDescription) {
        self.layer = layer
        streams = description.streams
        bindings = description.bindings
        let layout = description.choice.outputLayout
        elements = layout.elements(of: description.outputShape)
        guard var drops = layout.drops(of: description.outputShape) else {
            preconditionFailure("\(layout) was not chosen")
        }
        drops.threshold = layer.threshold
        drops.scale = Float(layer.scale)
        self.drops = drops
    }

    func forward(_ pass: Pass) {
        guard pass.context.training, layer.rate > 0 else {
            return bindings.output.update(from: bindings.inputs[0], count: pass.samples * elements)
        }
        (drops.shift, drops.dropped) = (Float(layer.shift), Float(layer.dropped))
        run(pass, bindings.inputs[0], bindings.output, adds: false)
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient, let target = bindings.inputGradients[0] else { return }
        let adds = target.flow == .adds
        guard pass.context.training, layer.rate > 0 else {
            return mio_elementwise_gradient(
                mio_activation_linear, gradient, gradient, target.pointer, Int64(pass.samples * elements),
                adds)
        }
        (drops.shift, drops.dropped) = (0, 0)
        run(pass, gradient, target.pointer, adds: adds)
    }

    private func run(
        _ pass: Pass, _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, adds: Bool
    ) {
        let key = layer.philox(seed: pass.context.seed, streams).key
        drops.key = (key[0], key[1])
        mio_dropout(
            &drops, pass.context.step, UInt32(truncatingIfNeeded: pass.context.firstSample),
            Int64(pass.samples), source, target, adds)
    }
}

extension Layout {
    /// How a sample lies, if four channels side by side in it are four in the canonical order too.
    fileprivate func drops(of shape: Shape) -> mio_drops? {
        let image: Shape
        let block: Int
        switch self {
        case .canonical:
            let count = Int64(shape.count)
            var whole = mio_drops()
            (whole.planes, whole.pixels, whole.lanes, whole.channels) = (1, 1, count, count)
            return whole
        case .channelBlocked(let lanes): (image, block) = (shape, lanes)
        case .flattenedBlocked(let flattened, let lanes): (image, block) = (flattened, lanes)
        }
        guard image[2] % 4 == 0, [4, 8, 16].contains(block) else { return nil }
        var blocks = mio_drops()
        blocks.planes = Int64((image[2] + block - 1) / block)
        blocks.pixels = Int64(image[0] * image[1])
        blocks.lanes = Int64(block)
        blocks.channels = Int64(image[2])
        return blocks
    }
}
