import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// The mean or the largest element of each channel, of canonical images and of those whose channels fill their blocks: the
/// result is a vector in Keras' order.
final class GlobalPoolingKernel: WeightlessKernel {
    private var image: mio_pixels
    private let isMaximum: Bool
    private let bindings: Bindings
    private let mask: UnsafePointer<Float>?

    static func choice(_ layer: any GlobalPoolingLayer, _ request: KernelRequest) -> KernelChoice? {
        guard layer.dataFormat == .channelsLast, request.outputShape.count > 0 else { return nil }
        var layout = request.inputLayouts[0]
        switch layout {
        case .channelBlocked(let block) where request.inputShapes[0].last % block == 0: break
        default: layout = .canonical
        }
        let isMaximum = type(of: layer).isMaximum
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], weightElements: [], weightLayouts: [],
            backwardReadsInputs: isMaximum, backwardReadsOutput: isMaximum)
    }

    init(_ layer: any GlobalPoolingLayer, _ description: KernelDescription) {
        bindings = description.bindings
        isMaximum = type(of: layer).isMaximum
        let shape = description.inputShapes[0]
        let (planes, lanes) = description.choice.inputLayouts[0].planes(of: shape.last)
        image = mio_pixels(
            samples: 0, planes: Int64(planes), pixels: Int64(shape.count / shape.last), lanes: Int64(lanes))
        mask = layer.readsMasks ? bindings.masks[0].map { UnsafePointer($0) } : nil
    }

    func forward(_ pass: Pass) {
        image.samples = Int64(pass.samples)
        if isMaximum {
            mio_global_max_forward(&image, bindings.inputs[0], bindings.output)
        } else {
            mio_global_mean_forward(&image, bindings.inputs[0], mask, bindings.output)
        }
    }

    func backward(_ pass: Pass) {
        guard let target = bindings.inputGradients[0], let gradient = bindings.outputGradient else { return }
        image.samples = Int64(pass.samples)
        let adds = target.flow == .adds
        if isMaximum {
            mio_global_max_backward(
                &image, bindings.inputs[0], bindings.output, gradient, target.pointer, adds)
        } else {
            mio_global_mean_backward(&image, gradient, mask, target.pointer, adds)
        }
    }
}
