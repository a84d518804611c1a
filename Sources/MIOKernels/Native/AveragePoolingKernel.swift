import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

extension mio_window {
    /// A window over images in a layout.
    init(_ geometry: WindowGeometry, layout: Layout) {
        let (height, width) = (geometry.height, geometry.width)
        let (planes, lanes) = layout.planes(of: geometry.channels)
        self.init(
            planes: Int64(planes), lanes: Int64(lanes), height: Int64(height.input),
            width: Int64(width.input),
            output_height: Int64(height.output), output_width: Int64(width.output),
            window_height: Int64(height.size), window_width: Int64(width.size),
            stride_height: Int64(height.stride), stride_width: Int64(width.stride),
            before_height: Int64(height.before), before_width: Int64(width.before))
    }
}

/// Average pooling on canonical and on blocked images alike.
final class AveragePoolingKernel: WeightlessKernel {
    private var window: mio_window
    private let bindings: Bindings

    static func choice(_ layer: any PoolingLayer, _ request: KernelRequest) -> KernelChoice? {
        guard layer.dataFormat == .channelsLast, request.outputShape.count > 0 else { return nil }
        let layout = request.inputLayouts[0]
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], outputLayout: layout, weightElements: [],
            weightLayouts: [], backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ layer: any PoolingLayer, _ description: KernelDescription) {
        bindings = description.bindings
        guard let geometry = try? layer.geometry(for: description.inputShapes) else {
            preconditionFailure("the graph has checked the shapes of every call")
        }
        window = mio_window(geometry, layout: description.choice.outputLayout)
    }

    func forward(_ pass: Pass) {
        mio_sum_pool_forward(&window, bindings.inputs[0], bindings.output, Int64(pass.samples), true, false)
    }

    func backward(_ pass: Pass) {
        guard let target = bindings.inputGradients[0], let gradient = bindings.outputGradient else { return }
        mio_sum_pool_backward(
            &window, gradient, target.pointer, Int64(pass.samples), true, target.flow == .adds)
    }
}
