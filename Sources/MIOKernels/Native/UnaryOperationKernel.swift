import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// A function of each element, in vectors where there are some for it.
final class UnaryOperationKernel: WeightlessKernel {
    private enum Loops {
        case pointwise(mio_pointwise_function)
        case element(mio_element_function)
    }

    private let loops: Loops
    private let bindings: Bindings
    private let elements: Int

    static func choice(_ layer: UnaryOperation, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.count > 0 else { return nil }
        let keepsZero =
            switch layer.function {
            case .negative, .absolute, .sqrt, .square, .expm1, .log1p, .sin, .sign: true
            case .rsqrt, .reciprocal, .exp, .log, .cos: false
            case .clip: layer.minimum <= 0 && layer.maximum >= 0
            }
        // √0 has no slope: what pads blocks would get a gradient that is no number.
        let layout = keepsZero && layer.function != .sqrt ? request.inputLayouts[0] : .canonical
        let readsOutput = if case .element = loops(layer) { true } else { false }
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], outputLayout: layout, weightElements: [],
            weightLayouts: [], backwardReadsOutput: readsOutput)
    }

    private static func loops(_ layer: UnaryOperation) -> Loops {
        func pointwise(_ function: mio_pointwise, _ first: Float = 0, _ second: Float = 0) -> Loops {
            .pointwise(mio_pointwise_function(function: function, arguments: (first, second, 0)))
        }
        return switch layer.function {
        case .negative: .element(mio_element_negative)
        case .absolute: pointwise(mio_pointwise_absolute)
        case .sqrt: pointwise(mio_pointwise_square_root)
        case .rsqrt: .element(mio_element_inverse_root)
        case .square: pointwise(mio_pointwise_square)
        case .reciprocal: pointwise(mio_pointwise_reciprocal, 1)
        case .exp: pointwise(mio_pointwise_exponential)
        case .expm1: .element(mio_element_exponential_minus_one)
        case .log: pointwise(mio_pointwise_logarithm)
        case .log1p: .element(mio_element_logarithm_of_one_plus)
        case .sin: .element(mio_element_sine)
        case .cos: .element(mio_element_cosine)
        case .sign: .element(mio_element_sign)
        case .clip: pointwise(mio_pointwise_clip, Float(layer.minimum), Float(layer.maximum))
        }
    }

    init(_ layer: UnaryOperation, _ description: KernelDescription) {
        loops = Self.loops(layer)
        bindings = description.bindings
        elements = description.choice.outputLayout.elements(of: description.outputShape)
    }

    func forward(_ pass: Pass) {
        let count = Int64(pass.samples * elements)
        switch loops {
        case .pointwise(var function):
            mio_pointwise_forward(&function, bindings.inputs[0], bindings.output, count)
        case .element(let function): mio_element_forward(function, bindings.inputs[0], bindings.output, count)
        }
    }

    func backward(_ pass: Pass) {
        guard let target = bindings.inputGradients[0], let gradient = bindings.outputGradient else { return }
        let (count, adds) = (Int64(pass.samples * elements), target.flow == .adds)
        switch loops {
        case .pointwise(var function):
            mio_pointwise_gradient(
                &function, bindings.inputs[0], gradient, target.pointer, count, adds)
        case .element(let function):
            mio_element_gradient(
                function, bindings.inputs[0], bindings.output, gradient, target.pointer, count, adds)
        }
    }
}
