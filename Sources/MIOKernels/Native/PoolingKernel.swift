import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Maximum pooling on canonical and on blocked images alike. A loop of our own: oneDNN's overlooks a NaN, and of a relu's
/// blocked image this one's backward leaves the gradient before the relu.
final class PoolingKernel: WeightlessKernel {
    private var window: mio_window
    private let bindings: Bindings
    private let channels: Int
    /// Each output's place in its window, kept from forward to backward.
    private let places: UnsafeMutablePointer<Int32>

    static func choice(_ layer: any PoolingLayer, _ request: KernelRequest) -> KernelChoice? {
        let layout = request.inputLayouts[0]
        guard layer.dataFormat == .channelsLast, request.outputShape.count > 0,
            layer.arguments.poolSize.reduce(1, { $0.clampedTimes($1) }) < Int32.max
        else { return nil }
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], outputLayout: layout, weightElements: [],
            weightLayouts: [], workspaceElements: layout.elements(of: request.outputShape) * request.samples,
            backwardReadsInputs: false, backwardReadsOutput: false, passesRelu: [layout != .canonical])
    }

    init(_ layer: any PoolingLayer, _ description: KernelDescription) {
        bindings = description.bindings
        let layout = description.choice.outputLayout
        places = UnsafeMutableRawPointer(bindings.workspace).assumingMemoryBound(to: Int32.self)
        guard let geometry = try? layer.geometry(for: description.inputShapes) else {
            preconditionFailure("the graph has checked the shapes of every call")
        }
        channels = geometry.channels
        window = mio_window(geometry, layout: layout)
    }

    func forward(_ pass: Pass) {
        mio_max_pool_forward(
            &window, bindings.inputs[0], bindings.output, places, Int64(pass.samples),
            bindings.passedRelu[0] != nil)
    }

    func backward(_ pass: Pass) {
        guard let target = bindings.inputGradients[0], let gradient = bindings.outputGradient else { return }
        let dBias = bindings.passedRelu[0]?.biasGradient
        if let dBias, !dBias.adds(in: pass) { dBias.pointer.update(repeating: 0, count: channels) }
        mio_max_pool_backward(
            &window, gradient, places, target.pointer, target.flow == .adds, Int64(pass.samples),
            dBias?.pointer, Int64(channels))
    }
}

extension Layout {
    /// An image of so many channels as planes of pixels of lanes.
    func planes(of channels: Int) -> (planes: Int, lanes: Int) {
        if case .channelBlocked(let block) = self { return ((channels + block - 1) / block, block) }
        return (1, channels)
    }
}
