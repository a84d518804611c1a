import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// The C loops for an activation.
enum ActivationCode {
    /// Those that the kernels of layers compute along with their sums.
    case fused(mio_activation)
    /// Those of a pass of its own.
    case pointwise(mio_pointwise)
}

extension Activation {
    var loops: ActivationCode {
        switch self {
        case .linear: .fused(mio_activation_linear)
        case .relu: .fused(mio_activation_relu)
        case .sigmoid: .fused(mio_activation_sigmoid)
        case .softmax: .fused(mio_activation_softmax)
        case .tanh: .fused(mio_activation_tanh)
        case .elu: .pointwise(mio_pointwise_elu)
        case .exponential: .pointwise(mio_pointwise_exponential)
        case .gelu: .pointwise(mio_pointwise_gelu)
        case .hardSigmoid: .pointwise(mio_pointwise_hard_sigmoid)
        case .leakyRelu: .pointwise(mio_pointwise_leaky_relu)
        case .mish: .pointwise(mio_pointwise_mish)
        case .relu6: .pointwise(mio_pointwise_relu6)
        case .selu: .pointwise(mio_pointwise_selu)
        case .silu: .pointwise(mio_pointwise_silu)
        case .softplus: .pointwise(mio_pointwise_softplus)
        case .softsign: .pointwise(mio_pointwise_softsign)
        }
    }

    var isFused: Bool {
        if case .fused = loops { true } else { false }
    }

    /// - Precondition: `isFused`; a plan gives the others a call of their own.
    var code: mio_activation {
        guard case .fused(let code) = loops else { preconditionFailure("no kernel has \(self) in its sums") }
        return code
    }

    /// Whether a blocked image's padding stays zero under it.
    var keepsZero: Bool {
        switch self {
        case .sigmoid, .softmax, .exponential, .hardSigmoid, .softplus: false
        case .linear, .relu, .tanh, .elu, .gelu, .leakyRelu, .mish, .relu6, .selu, .silu, .softsign: true
        }
    }
}

/// Applies an activation in any layout whose padding stays zero.
final class ActivationKernel: WeightlessKernel {
    private let loops: ActivationCode
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
            weightLayouts: [], backwardReadsInputs: !layer.activation.isFused,
            backwardReadsOutput: layer.activation.isFused)
    }

    init(_ activation: Activation, _ description: KernelDescription) {
        loops = activation.loops
        bindings = description.bindings
        elements = description.choice.outputLayout.elements(of: description.outputShape)
        row = activation == .softmax ? description.outputShape.last : nil
    }

    func forward(_ pass: Pass) {
        let count = pass.samples * elements
        switch loops {
        case .fused(let activation):
            let width = row ?? count
            bindings.output.update(from: bindings.inputs[0], count: count)
            mio_bias_activation(activation, bindings.output, nil, Int64(count / width), Int64(width))
        case .pointwise(let function):
            mio_pointwise_forward(function, bindings.inputs[0], bindings.output, Int64(count))
        }
    }

    func backward(_ pass: Pass) {
        guard let target = bindings.inputGradients[0], let gradient = bindings.outputGradient else { return }
        let count = pass.samples * elements
        let adds = target.flow == .adds
        switch loops {
        case .fused(let activation):
            let width = row ?? count
            for offset in stride(from: 0, to: count, by: width) {
                mio_elementwise_gradient(
                    activation, bindings.output + offset, gradient + offset, target.pointer + offset,
                    Int64(width), adds)
            }
        case .pointwise(let function):
            mio_pointwise_gradient(
                function, bindings.inputs[0], gradient, target.pointer, Int64(count), adds)
        }
    }
}
