import CDenseLoops
import MIOGraph
import MIOPlan

/// Layer normalization over the last axes: of rows, in vectors.
final class LayerNormalizationKernel: Kernel {
    private let layer: LayerNormalization
    private let bindings: Bindings
    private let width: Int
    private let rowsOfSample: Int
    /// Behind the means lie the factors, for as many rows as the largest pass has.
    private let mostRows: Int

    static func choice(_ layer: LayerNormalization, _ request: KernelRequest) -> KernelChoice? {
        let shape = request.outputShape
        guard let width = layer.rowWidth(of: shape), width > 0 else { return nil }
        let weights = layer.weights(for: request.inputShapes)
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [.canonical], weightElements: weights.map(\.shape.count),
            weightLayouts: weights.map { _ in "canonical" },
            workspaceElements: 2 * request.samples * (shape.count / width), backwardReadsOutput: false)
    }

    init(_ layer: LayerNormalization, _ description: KernelDescription) {
        guard let width = layer.rowWidth(of: description.outputShape) else {
            preconditionFailure("rows were chosen")
        }
        self.layer = layer
        self.width = width
        bindings = description.bindings
        rowsOfSample = description.outputShape.count / width
        mostRows = description.samples * rowsOfSample
    }

    private var gamma: UnsafeMutablePointer<Float>? { layer.scale ? bindings.weights[0] : nil }
    private var beta: UnsafeMutablePointer<Float>? {
        layer.center ? bindings.weights[layer.scale ? 1 : 0] : nil
    }

    func prepare(samples: Int) {}

    func forward(_ pass: Pass) {
        mio_layer_normalization_forward(
            bindings.inputs[0], gamma, beta, Float(layer.epsilon), Int64(pass.samples * rowsOfSample),
            Int64(width), bindings.output, bindings.workspace, bindings.workspace + mostRows)
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        for weight in bindings.weightGradients {
            if let weight, !weight.adds(in: pass) { weight.pointer.update(repeating: 0, count: width) }
        }
        let input = bindings.inputGradients[0]
        mio_layer_normalization_backward(
            bindings.inputs[0], gradient, gamma, bindings.workspace, bindings.workspace + mostRows,
            Int64(pass.samples * rowsOfSample), Int64(width), input?.pointer, input?.flow == .adds,
            layer.scale ? bindings.weightGradients[0]?.pointer : nil,
            layer.center ? bindings.weightGradients[layer.scale ? 1 : 0]?.pointer : nil)
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: width)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: width)
    }
}
