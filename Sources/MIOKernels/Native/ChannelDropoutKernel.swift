import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Dropout of channels: a random number each, kept until backward.
final class ChannelDropoutKernel: WeightlessKernel {
    private let layer: any ChannelDropout
    private let streams: RandomStreams
    private let bindings: Bindings
    private let axes: MergeAxes
    private let elements: Int
    private let channels: Int
    /// Where they lie, those that pad the last block among them.
    private let storedChannels: Int

    static func choice(_ layer: any ChannelDropout, _ request: KernelRequest) -> KernelChoice? {
        let shape = request.outputShape
        guard shape.count > 0, shape.count <= UInt32.max else { return nil }
        var layout = Layout.canonical
        if case .channelBlocked = request.inputLayouts[0],
            layer.channels(of: shape).dimensions == [1, 1, shape.last]
        {
            layout = request.inputLayouts[0]
        }
        guard MergeKernel.axes([shape, layer.channels(of: shape)], shape, layout) != nil else { return nil }
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], outputLayout: layout, weightElements: [],
            weightLayouts: [],
            workspaceElements: request.samples * layout.elements(of: layer.channels(of: shape)),
            backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ layer: any ChannelDropout, _ description: KernelDescription) {
        self.layer = layer
        streams = description.streams
        bindings = description.bindings
        let (shape, layout) = (description.outputShape, description.choice.outputLayout)
        let alone = layer.channels(of: shape)
        guard let axes = MergeKernel.axes([shape, alone], shape, layout) else {
            preconditionFailure("\(layout) was not chosen")
        }
        self.axes = axes
        elements = layout.elements(of: shape)
        channels = alone.count
        storedChannels = layout.elements(of: alone)
    }

    private var isActive: Bool { layer.rate > 0 }

    func forward(_ pass: Pass) {
        guard pass.context.training, isActive else {
            return bindings.output.update(from: bindings.inputs[0], count: pass.samples * elements)
        }
        let philox = layer.philox(seed: pass.context.seed, streams)
        let factors = bindings.workspace
        factors.update(repeating: 0, count: pass.samples * storedChannels)
        for sample in 0..<pass.samples {
            let position = UInt64(pass.context.firstSample + sample)
            for block in 0..<(channels + 3) / 4 {
                let words = philox.words(pass.context.step, position << 32 | UInt64(block))
                for lane in 0..<min(4, channels - block * 4) {
                    factors[sample * storedChannels + block * 4 + lane] = Float(layer.factor(words[lane]))
                }
            }
        }
        var loops = axes.loops(samples: pass.samples, a: 0, b: 1)
        mio_merge_tensors(mio_merge_dropped, &loops, bindings.inputs[0], factors, 1, bindings.output)
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient, let target = bindings.inputGradients[0] else { return }
        let adds = target.flow == .adds
        guard pass.context.training, isActive else {
            return mio_elementwise_gradient(
                mio_activation_linear, gradient, gradient, target.pointer, Int64(pass.samples * elements),
                adds)
        }
        var loops = axes.loops(samples: pass.samples, a: 1, b: 1, c: 0)
        mio_merge_backward(
            mio_gradient_masked_product, &loops, gradient, bindings.workspace, bindings.workspace, 1,
            target.pointer, adds)
    }
}
