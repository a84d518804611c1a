import MIOBase
import MIOConfig

/// A layer that is one convolution, in either direction, with bias and activation.
package protocol ConvolutionLayer: ImageLayer {
    var arguments: ConvolutionArguments { get set }
}

extension ConvolutionLayer {
    public static var kerasArguments: [KerasArgument] { .ofDense }

    public var config: ConfigDictionary { arguments.config }

    package var dataFormat: DataFormat {
        get { arguments.dataFormat }
        set { arguments.dataFormat = newValue }
    }

    public var outputActivation: Activation? { arguments.activation }

    public var withoutActivation: (any Layer)? {
        var linear = self
        linear.arguments.activation = .linear
        return linear
    }

    /// Whether it goes from the results of a usual convolution to its input.
    package var isTransposed: Bool { arguments.kind == .transposed }

    /// The convolution that computes a call on inputs that the graph has checked, and how the call's tensors lie.
    package func resolved(_ inputs: [Shape]) throws(ShapeError) -> (
        input: ImageView, output: ImageView, convolution: ImageConvolution
    ) {
        let input = try view(inputs)
        let found = try arguments.resolved(input, name: attributes.name ?? Self.className)
        return (input, found.output, found.convolution)
    }

    private func checked(_ inputs: [Shape]) -> (
        input: ImageView, output: ImageView, convolution: ImageConvolution
    ) {
        do {
            return try resolved(inputs)
        } catch {
            preconditionFailure("a call that the graph has checked: \(error.message)")
        }
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        try resolved(inputs).output.sample
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        arguments.weights(channels: view(checked: inputs).channels)
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        .activated(by: arguments.activation, output: output)
    }

    /// Every output element is a sum over its window, however much of that lies in the padding.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        let window = arguments.kernelSize.reduce(2) { $0.clampedTimes($1) }
        let channels = view(checked: inputs).channels
        switch arguments.kind {
        case .usual:
            return LayerFlops(
                window.clampedTimes(channels / arguments.groups).clampedTimes(output.count))
        case .depthwise: return LayerFlops(window.clampedTimes(output.count))
        case .transposed:
            return LayerFlops(window.clampedTimes(arguments.filters).clampedTimes(inputs[input].count))
        }
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let (input, output, convolution) = checked(call.inputShapes)
        let bias = arguments.useBias ? call.weights[1] : nil
        if isTransposed {
            convolution.transposedForward(
                samples: call.samples, input, call.inputs[0], kernel: call.weights[0], bias: bias, output,
                to: call.output)
        } else {
            convolution.forward(
                samples: call.samples, input, call.inputs[0], kernel: call.weights[0], bias: bias, output,
                to: call.output)
        }
        let width = call.outputShape.last
        let rows = width == 0 ? 0 : call.samples * call.outputShape.count / width
        applyActivation(arguments.activation, call, rows: rows, width: width)
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let (input, output, convolution) = checked(call.forward.inputShapes)
        let width = call.forward.outputShape.last
        let rows = width == 0 ? 0 : call.samples * call.forward.outputShape.count / width
        let dBias = arguments.useBias ? call.weightGradients[1] : nil
        withActivationGradient(arguments.activation, call, rows: rows, width: width) { dz in
            if isTransposed {
                convolution.transposedBackward(
                    samples: call.samples, input, call.forward.inputs[0], kernel: call.forward.weights[0],
                    output, dz, dx: call.inputGradients[0], dKernel: call.weightGradients[0], dBias: dBias)
            } else {
                convolution.backward(
                    samples: call.samples, input, call.forward.inputs[0], kernel: call.forward.weights[0],
                    output, dz, dx: call.inputGradients[0], dKernel: call.weightGradients[0], dBias: dBias)
            }
        }
    }
}
