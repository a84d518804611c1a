import CDenseLoops
import MIOGraph
import MIOPlan
import MIOTensor

/// MaxPooling2D on canonical or blocked images; forward keeps which element was the largest.
final class PoolingKernel: Kernel {
    private let bindings: Bindings
    private let window: Storage<mio_window>
    private let inputElements: Int
    /// The places, in the workspace: one 32-bit integer an output element.
    private let places: UnsafeMutablePointer<Int32>

    static func choose(_ pooling: MaxPooling2D, _ request: KernelRequest) -> KernelChoice {
        let layout = request.inputLayouts[0]
        return KernelChoice(
            algorithm: "pooling loops", inputLayouts: [layout], outputLayout: layout, weightElements: [],
            weightLayouts: [], workspaceElements: layout.elements(of: request.outputShape) * request.samples,
            backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ pooling: MaxPooling2D, _ description: KernelDescription) throws {
        bindings = description.bindings
        let geometry: WindowGeometry
        do { geometry = try pooling.geometry(for: description.inputShapes) } catch {
            throw KernelError(operation: "MaxPooling2D", message: error.message)
        }
        let (height, width) = (geometry.height, geometry.width)
        let layout = description.choice.inputLayouts[0]
        let lanes = layout.block ?? geometry.channels
        let planes = (geometry.channels + lanes - 1) / lanes
        window = Storage(count: 1)
        window.pointer[0] = mio_window(
            planes: Int64(planes), lanes: Int64(lanes), height: Int64(height.input),
            width: Int64(width.input),
            output_height: Int64(height.output), output_width: Int64(width.output),
            window_height: Int64(height.size), window_width: Int64(width.size),
            stride_height: Int64(height.stride), stride_width: Int64(width.stride),
            before_height: Int64(height.before), before_width: Int64(width.before))
        inputElements = layout.elements(of: description.inputShapes[0])
        places = UnsafeMutableRawPointer(bindings.workspace).assumingMemoryBound(to: Int32.self)
    }

    func prepare(samples: Int) {}

    func forward(_ pass: Pass) {
        mio_max_pool_forward(window.pointer, bindings.inputs[0], bindings.output, places, Int64(pass.samples))
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.inputGradients[0], let outputGradient = bindings.outputGradient else {
            return
        }
        if gradient.flow == .first {
            gradient.pointer.update(repeating: 0, count: pass.samples * inputElements)
        }
        mio_max_pool_backward(window.pointer, outputGradient, places, gradient.pointer, Int64(pass.samples))
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {}
    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {}
}
