import CDenseLoops
import MIOGraph
import MIOPlan
import MIOTensor

/// Activation and Add: on blocked images too where zero stays zero, so that padding stays padding.
final class ElementwiseKernel: Kernel {
    private let bindings: Bindings
    private let elements: Int
    private let width: Int
    /// `nil` for a sum.
    private let activation: Activation?

    static func choose(_ request: KernelRequest) -> KernelChoice {
        var layout = request.inputLayouts[0]
        if let activation = (request.layer as? ActivationLayer)?.activation {
            if activation == .sigmoid || activation == .softmax { layout = .canonical }
        } else if !request.inputLayouts.allSatisfy({ $0 == layout }) {
            layout = .canonical
        }
        return KernelChoice(
            algorithm: "elementwise loops",
            inputLayouts: [Layout](repeating: layout, count: request.inputLayouts.count),
            outputLayout: layout,
            weightElements: [], weightLayouts: [], backwardReadsInputs: false,
            backwardReadsOutput: request.layer is ActivationLayer)
    }

    init(_ description: KernelDescription) {
        bindings = description.bindings
        elements = description.choice.outputLayout.elements(of: description.outputShape)
        width = description.outputShape.last
        activation = (description.layer as? ActivationLayer)?.activation
    }

    func prepare(samples: Int) {}

    func forward(_ pass: Pass) {
        let count = pass.samples * elements
        bindings.output.update(from: bindings.inputs[0], count: count)
        if let activation {
            let rowWidth = activation == .softmax ? width : count
            guard rowWidth > 0 else { return }
            mio_bias_activation(
                activation.cValue, bindings.output, nil, Int64(count / rowWidth), Int64(rowWidth))
        } else {
            for input in bindings.inputs.dropFirst() { mio_add(input, bindings.output, Int64(count)) }
        }
    }

    func backward(_ pass: Pass) {
        guard let outputGradient = bindings.outputGradient else { return }
        let count = pass.samples * elements
        for case let gradient? in bindings.inputGradients {
            let rows = activation == .softmax && width > 0 ? count / width : 1
            for row in 0..<rows {
                let offset = row * (count / rows)
                mio_elementwise_gradient(
                    (activation ?? .linear).cValue, bindings.output + offset, outputGradient + offset,
                    gradient.pointer + offset, Int64(count / rows), gradient.flow == .adds)
            }
        }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {}
    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {}
}
