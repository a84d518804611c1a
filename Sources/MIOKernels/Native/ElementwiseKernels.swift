import CDenseLoops
import MIOGraph
import MIOPlan
import MIOTensor

extension Activation {
    /// The same in C.
    var code: mio_activation {
        switch self {
        case .linear: mio_activation_linear
        case .relu: mio_activation_relu
        case .sigmoid: mio_activation_sigmoid
        case .softmax: mio_activation_softmax
        case .tanh: mio_activation_tanh
        }
    }

    /// Whether a blocked image's padding stays zero under it.
    var keepsZero: Bool { self == .linear || self == .relu || self == .tanh }
}

/// Applies an activation where its input lies, in any layout whose padding stays zero.
final class ActivationKernel: WeightlessKernel {
    private let activation: mio_activation
    private let bindings: Bindings
    /// A sample's elements, its layout's padding among them.
    private let elements: Int
    /// What is computed at once: a row for softmax, whose elements meet; otherwise anything.
    private let row: Int?

    static func choice(_ layer: ActivationLayer, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.count > 0 else { return nil }
        let layout = layer.activation.keepsZero ? request.inputLayouts[0] : .canonical
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], outputLayout: layout, weightElements: [],
            weightLayouts: [], backwardReadsInputs: false)
    }

    init(_ activation: Activation, _ description: KernelDescription) {
        self.activation = activation.code
        bindings = description.bindings
        elements = description.choice.outputLayout.elements(of: description.outputShape)
        row = activation == .softmax ? description.outputShape.last : nil
    }

    func forward(_ pass: Pass) {
        let count = pass.samples * elements
        let width = row ?? count
        bindings.output.update(from: bindings.inputs[0], count: count)
        mio_bias_activation(activation, bindings.output, nil, Int64(count / width), Int64(width))
    }

    func backward(_ pass: Pass) {
        guard let target = bindings.inputGradients[0], let gradient = bindings.outputGradient else { return }
        let count = pass.samples * elements
        let width = row ?? count
        for offset in stride(from: 0, to: count, by: width) {
            mio_elementwise_gradient(
                activation, bindings.output + offset, gradient + offset, target.pointer + offset,
                Int64(width),
                target.flow == .adds)
        }
    }
}

/// The sum of tensors that lie alike, wherever their channels are.
final class AddKernel: WeightlessKernel {
    private let bindings: Bindings
    private let elements: Int

    static func choice(_ request: KernelRequest) -> KernelChoice {
        // In blocks, if some are: what follows likely computes them. There is no way but by the canonical order from one
        // kind of blocks to another.
        let blocked = Set(request.inputLayouts.filter { $0 != .canonical })
        let layout = blocked.count == 1 ? blocked.first! : Layout.canonical
        return KernelChoice(
            algorithm: "vector loop",
            inputLayouts: [Layout](repeating: layout, count: request.inputShapes.count), outputLayout: layout,
            weightElements: [], weightLayouts: [], backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ description: KernelDescription) {
        bindings = description.bindings
        elements = description.choice.outputLayout.elements(of: description.outputShape)
    }

    func forward(_ pass: Pass) {
        let count = pass.samples * elements
        bindings.output.update(from: bindings.inputs[0], count: count)
        for input in 1..<bindings.inputs.count {
            mio_add(bindings.inputs[input], bindings.output, Int64(count))
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        for input in 0..<bindings.inputs.count {
            guard let target = bindings.inputGradients[input] else { continue }
            mio_elementwise_gradient(
                mio_activation_linear, gradient, gradient, target.pointer, Int64(pass.samples * elements),
                target.flow == .adds)
        }
    }
}

/// Blocked images side by side along their channels: whole blocks are copied, sample by sample.
final class ConcatenateKernel: WeightlessKernel {
    private let bindings: Bindings
    private let inputElements: [Int]
    private let outputElements: Int

    static func choice(_ layer: Concatenate, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.rank == 3, layer.sampleAxis(rank: 3) == 2,
            case .channelBlocked(let block) = request.inputLayouts[0],
            request.inputLayouts.allSatisfy({ $0 == .channelBlocked(block: block) }),
            request.inputShapes.allSatisfy({ $0[2] % block == 0 })
        else { return nil }
        return KernelChoice(
            algorithm: "copies of blocks", inputLayouts: request.inputLayouts,
            outputLayout: .channelBlocked(block: block), weightElements: [], weightLayouts: [],
            backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ description: KernelDescription) {
        bindings = description.bindings
        inputElements = description.inputShapes.map(\.count)
        outputElements = description.outputShape.count
    }

    func forward(_ pass: Pass) {
        for sample in 0..<pass.samples {
            var target = bindings.output + sample * outputElements
            for input in 0..<inputElements.count {
                let count = inputElements[input]
                target.update(from: bindings.inputs[input] + sample * count, count: count)
                target += count
            }
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        for sample in 0..<pass.samples {
            var source = gradient + sample * outputElements
            for input in 0..<inputElements.count {
                let count = inputElements[input]
                if let target = bindings.inputGradients[input] {
                    mio_elementwise_gradient(
                        mio_activation_linear, source, source, target.pointer + sample * count, Int64(count),
                        target.flow == .adds)
                }
                source += count
            }
        }
    }
}

/// A kernel without weights: nothing to convert, nothing to prepare.
protocol WeightlessKernel: Kernel {}

extension WeightlessKernel {
    func prepare(samples: Int) {}

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        preconditionFailure("no weight \(weight)")
    }
    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        preconditionFailure("no weight \(weight)")
    }
}
