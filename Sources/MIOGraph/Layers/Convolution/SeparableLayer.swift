import MIOBase
import MIOConfig

/// The arguments of a separable convolution: those of its two parts.
///
/// - `depthwise_initializer`: The first values of the kernel of each channel.
/// - `pointwise_initializer`: The first values of the kernel over all channels.
package struct SeparableArguments: Sendable {
    /// Without bias and activation.
    package var depthwise: ConvolutionArguments
    /// Of one pixel.
    package var pointwise: ConvolutionArguments

    typealias Values = (initializer: Initializer, rules: WeightRules)

    init(
        filters: Int, kernelSize: [Int], strides: [Int], padding: Padding, dataFormat: DataFormat,
        dilationRate: [Int], depthMultiplier: Int, activation: Activation, useBias: Bool, depthwise: Values,
        pointwise: Values, bias: Values
    ) {
        let ones = kernelSize.map { _ in 1 }
        self.depthwise = ConvolutionArguments(
            .depthwise, depthMultiplier: depthMultiplier, kernelSize: kernelSize, strides: strides,
            dilationRate: dilationRate, padding: WindowPadding(padding), dataFormat: dataFormat,
            activation: .linear, useBias: false, kernelInitializer: depthwise.initializer,
            biasInitializer: .zeros, kernelRules: depthwise.rules, biasRules: .none)
        self.pointwise = ConvolutionArguments(
            .usual, filters: filters, kernelSize: ones, strides: ones, dilationRate: ones, padding: .valid,
            dataFormat: dataFormat, activation: activation, useBias: useBias,
            kernelInitializer: pointwise.initializer, biasInitializer: bias.initializer,
            kernelRules: pointwise.rules, biasRules: bias.rules)
    }

    /// Reads Keras' arguments.
    init(spatialAxes: Int, from config: inout ConfigReader) throws(ConfigError) {
        let largest = Int(Int32.max)
        let ones = [Int](repeating: 1, count: spatialAxes)
        let filters = try config.integer("filters", atLeast: 1, atMost: largest)
        let kernelSize = try config.integers("kernel_size", count: spatialAxes, atLeast: 1, atMost: largest)
        let strides = try config.integers(
            "strides", count: spatialAxes, default: ones, atLeast: 1, atMost: largest)
        let padding = try config.choice("padding", default: Padding.valid)
        let dataFormat = try DataFormat(from: &config)
        let dilationRate = try config.integers(
            "dilation_rate", count: spatialAxes, default: ones, atLeast: 1, atMost: largest)
        let depthMultiplier = try config.integer(
            "depth_multiplier", default: 1, atLeast: 1, atMost: largest)
        let activation = try Activation(reading: "activation", from: &config)
        let useBias = try config.boolean("use_bias", default: true)
        func initializer(_ weight: String, _ fallback: Initializer) throws(ConfigError) -> Initializer {
            try Initializer(reading: "\(weight)_initializer", from: &config, default: fallback)
        }
        let initializers = (
            try initializer("depthwise", .glorotUniform), try initializer("pointwise", .glorotUniform),
            try initializer("bias", .zeros)
        )
        let rules = (
            try WeightRules(of: "depthwise", reading: &config),
            try WeightRules(of: "pointwise", reading: &config), try WeightRules(of: "bias", reading: &config)
        )
        self.init(
            filters: filters, kernelSize: kernelSize, strides: strides, padding: padding,
            dataFormat: dataFormat, dilationRate: dilationRate, depthMultiplier: depthMultiplier,
            activation: activation, useBias: useBias, depthwise: (initializers.0, rules.0),
            pointwise: (initializers.1, rules.1), bias: (initializers.2, rules.2))
    }

    /// In Keras' order.
    var config: ConfigDictionary {
        let arguments: ConfigDictionary = [
            "depth_multiplier": .integer(depthwise.depthMultiplier), "filters": .integer(pointwise.filters),
            "kernel_size": ConfigValue(depthwise.kernelSize), "strides": ConfigValue(depthwise.strides),
            "padding": .string(depthwise.padding.rawValue),
            "data_format": .string(depthwise.dataFormat.rawValue),
            "dilation_rate": ConfigValue(depthwise.dilationRate),
            "activation": pointwise.activation.config, "use_bias": .boolean(pointwise.useBias),
            "depthwise_initializer": depthwise.kernelInitializer.config,
            "pointwise_initializer": pointwise.kernelInitializer.config,
            "bias_initializer": pointwise.biasInitializer.config,
        ]
        return arguments.with(
            ("depthwise", depthwise.kernelRules), ("pointwise", pointwise.kernelRules),
            ("bias", pointwise.biasRules))
    }
}

/// A layer that is a depthwise convolution and, of its result, one of single pixels.
package protocol SeparableLayer: ImageLayer {
    var separated: SeparableArguments { get set }
}

extension SeparableLayer {
    public var config: ConfigDictionary { separated.config }

    package var dataFormat: DataFormat {
        get { separated.depthwise.dataFormat }
        set {
            separated.depthwise.dataFormat = newValue
            separated.pointwise.dataFormat = newValue
        }
    }

    public var outputActivation: Activation? { separated.pointwise.activation }

    public var withoutActivation: (any Layer)? {
        var linear = self
        linear.separated.pointwise.activation = .linear
        return linear
    }

    private var name: String { attributes.name ?? Self.className }

    /// The two parts as layers. Their weights are the first of this layer's, and all others.
    package var parts: (depthwise: any ConvolutionLayer, pointwise: any ConvolutionLayer) {
        let first = LayerAttributes(name: "\(name)/depthwise", trainable: attributes.trainable)
        let second = LayerAttributes(name: "\(name)/pointwise", trainable: attributes.trainable)
        if Self.spatialAxes == 1 {
            return (
                DepthwiseConv1D(attributes: first, arguments: separated.depthwise),
                Conv1D(attributes: second, arguments: separated.pointwise)
            )
        }
        return (
            DepthwiseConv2D(attributes: first, arguments: separated.depthwise),
            Conv2D(attributes: second, arguments: separated.pointwise)
        )
    }

    private typealias Resolved = (
        input: ImageView, between: ImageView, output: ImageView, depthwise: ImageConvolution,
        pointwise: ImageConvolution
    )

    private func resolved(_ inputs: [Shape]) throws(ShapeError) -> Resolved {
        let input = try view(inputs)
        let first = try separated.depthwise.resolved(input, name: name)
        try first.output.sample.checkCount("the result of its depthwise part")
        let second = try separated.pointwise.resolved(first.output, name: name)
        return (input, first.output, second.output, first.convolution, second.convolution)
    }

    private func checked(_ inputs: [Shape]) -> Resolved {
        do {
            return try resolved(inputs)
        } catch {
            preconditionFailure("a call that the graph has checked: \(error.message)")
        }
    }

    /// The result of the depthwise part.
    package func shapeBetween(_ inputs: [Shape]) -> Shape { checked(inputs).between.sample }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        try resolved(inputs).output.sample
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        let channels = view(checked: inputs).channels
        let depthwise = separated.depthwise.weights(channels: channels)
        let pointwise = separated.pointwise.weights(
            channels: channels * separated.depthwise.depthMultiplier)
        return [depthwise[0].named("depthwise_kernel"), pointwise[0].named("pointwise_kernel")]
            + pointwise.dropFirst()
    }

    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        let between = shapeBetween(inputs)
        let window = separated.depthwise.kernelSize.reduce(2) { $0.clampedTimes($1) }
        let channels = view(checked: inputs).channels * separated.depthwise.depthMultiplier
        return LayerFlops(
            window.clampedTimes(between.count)
                .clampedPlus(channels.clampedTimes(2).clampedTimes(output.count)))
    }

    /// The result of the depthwise part is kept behind what the activation keeps; its gradient likewise.
    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        var memory = LayerMemory.activated(by: separated.pointwise.activation, output: output)
        let between = shapeBetween(inputs).count
        memory.kept += between
        memory.scratch += between
        return memory
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let parts = checked(call.inputShapes)
        let activation = separated.pointwise.activation
        let own = activation.gradientReadsArgument ? call.samples * call.outputShape.count : 0
        let between = call.kept + own
        parts.depthwise.forward(
            samples: call.samples, parts.input, call.inputs[0], kernel: call.weights[0], bias: nil,
            parts.between, to: between)
        parts.pointwise.forward(
            samples: call.samples, parts.between, between, kernel: call.weights[1],
            bias: separated.pointwise.useBias ? call.weights[2] : nil, parts.output, to: call.output)
        let width = call.outputShape.last
        let rows = width == 0 ? 0 : call.samples * call.outputShape.count / width
        applyActivation(activation, call, rows: rows, width: width)
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let parts = checked(call.forward.inputShapes)
        let activation = separated.pointwise.activation
        let output = call.samples * call.forward.outputShape.count
        let between = call.kept + (activation.gradientReadsArgument ? output : 0)
        let gradient = call.scratch + (activation == .linear ? 0 : output)
        gradient.update(repeating: 0, count: call.samples * parts.between.sample.count)
        let width = call.forward.outputShape.last
        withActivationGradient(activation, call, rows: width == 0 ? 0 : output / width, width: width) { dz in
            parts.pointwise.backward(
                samples: call.samples, parts.between, between, kernel: call.forward.weights[1], parts.output,
                dz, dx: gradient, dKernel: call.weightGradients[1],
                dBias: separated.pointwise.useBias ? call.weightGradients[2] : nil)
        }
        parts.depthwise.backward(
            samples: call.samples, parts.input, call.forward.inputs[0], kernel: call.forward.weights[0],
            parts.between, gradient, dx: call.inputGradients[0], dKernel: call.weightGradients[0],
            dBias: nil)
    }
}
