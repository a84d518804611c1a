import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// The C loops for an activation.
enum ActivationCode {
    /// Those that the kernels of layers compute along with their sums.
    case fused(mio_activation)
    /// Those of a pass of its own.
    case pointwise(mio_pointwise_function)
    /// Those of a pass of its own over rows.
    case logSoftmax, sparsemax

    static func pointwise(_ function: mio_pointwise, _ arguments: Double...) -> ActivationCode {
        let all = (arguments + [0, 0, 0]).map { Float($0) }
        return .pointwise(mio_pointwise_function(function: function, arguments: (all[0], all[1], all[2])))
    }
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
        case .logSoftmax: .logSoftmax
        case .sparsemax: .sparsemax
        default: elementForm?.loops ?? .fused(mio_activation_linear)
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
        case .sigmoid, .softmax, .exponential, .hardSigmoid, .softplus, .logSoftmax, .sparsemax: false
        default: elementForm?.keepsZero ?? true
        }
    }
}

extension ActivationForm {
    var loops: ActivationCode {
        switch self {
        case .leaky(let slope): .pointwise(mio_pointwise_leaky, slope)
        case .rectified(let slope, let most, let threshold):
            .pointwise(mio_pointwise_rectified, slope, most ?? .infinity, threshold)
        case .elu(let alpha): .pointwise(mio_pointwise_scaled_elu, alpha)
        case .celu(let alpha): .pointwise(mio_pointwise_celu, alpha)
        case .geluByTanh: .pointwise(mio_pointwise_gelu_by_tanh)
        case .hardShrink(let threshold): .pointwise(mio_pointwise_hard_shrink, threshold)
        case .softShrink(let threshold): .pointwise(mio_pointwise_soft_shrink, threshold)
        case .squareplus(let b): .pointwise(mio_pointwise_squareplus, b)
        case .threshold(let threshold, let below): .pointwise(mio_pointwise_threshold, threshold, below)
        case .hardSilu: .pointwise(mio_pointwise_hard_silu)
        case .hardTanh: .pointwise(mio_pointwise_hard_tanh)
        case .logSigmoid: .pointwise(mio_pointwise_log_sigmoid)
        case .sparsePlus: .pointwise(mio_pointwise_sparse_plus)
        case .sparseSigmoid: .pointwise(mio_pointwise_sparse_sigmoid)
        case .tanhShrink: .pointwise(mio_pointwise_tanh_shrink)
        case .absolute: .pointwise(mio_pointwise_absolute)
        case .square: .pointwise(mio_pointwise_square)
        case .squareRoot: .pointwise(mio_pointwise_square_root)
        case .logarithm: .pointwise(mio_pointwise_logarithm)
        case .power(let exponent): .pointwise(mio_pointwise_power, exponent)
        case .clip(let least, let most): .pointwise(mio_pointwise_clip, least, most)
        case .reciprocal(let numerator): .pointwise(mio_pointwise_reciprocal, numerator)
        }
    }

    /// Whether f(0) = 0.
    var keepsZero: Bool { value(at: Float(0)) == 0 }
}

/// Applies an activation in any layout whose padding stays zero.
final class ActivationKernel: WeightlessKernel {
    private let loops: ActivationCode
    private let bindings: Bindings
    /// A sample's elements, its layout's padding among them.
    private let elements: Int
    /// What is computed at once: a row where elements meet; otherwise anything.
    private let row: Int?

    static func choice(_ layer: any ActivatingLayer, _ request: KernelRequest) -> KernelChoice? {
        let activation = layer.activation
        guard request.outputShape.count > 0 else { return nil }
        let layout = activation.keepsZero ? request.inputLayouts[0] : .canonical
        let readsOutput = activation.isFused || activation.isOfRows
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], outputLayout: layout, weightElements: [],
            weightLayouts: [], backwardReadsInputs: !readsOutput, backwardReadsOutput: readsOutput)
    }

    init(_ activation: Activation, _ description: KernelDescription) {
        loops = activation.loops
        bindings = description.bindings
        elements = description.choice.outputLayout.elements(of: description.outputShape)
        row = activation.isOfRows ? description.outputShape.last : nil
    }

    func forward(_ pass: Pass) {
        let count = pass.samples * elements
        switch loops {
        case .fused(let activation):
            let width = row ?? count
            bindings.output.update(from: bindings.inputs[0], count: count)
            mio_bias_activation(activation, bindings.output, nil, Int64(count / width), Int64(width))
        case .pointwise(var function):
            mio_pointwise_forward(&function, bindings.inputs[0], bindings.output, Int64(count))
        case .logSoftmax, .sparsemax:
            let width = row ?? count
            bindings.output.update(from: bindings.inputs[0], count: count)
            let apply = if case .logSoftmax = loops { mio_log_softmax } else { mio_sparsemax }
            apply(bindings.output, Int64(count / width), Int64(width))
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
        case .pointwise(var function):
            mio_pointwise_gradient(
                &function, bindings.inputs[0], gradient, target.pointer, Int64(count), adds)
        case .logSoftmax, .sparsemax:
            let width = row ?? count
            let add =
                if case .logSoftmax = loops { mio_log_softmax_gradient } else { mio_sparsemax_gradient }
            add(bindings.output, gradient, target.pointer, Int64(count / width), Int64(width), adds)
        }
    }
}
