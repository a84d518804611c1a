import MIOBase
import MIOConfig

/// 2-D cross-correlation, then bias and activation.
/// <https://keras.io/api/layers/convolution_layers/convolution2d/>
///
/// x (height, width, channels) → y (height′, width′, filters);
/// kernel (kernel height, kernel width, channels, filters), bias (filters,). Channels last.
public struct Conv2D: Layer {
    public static var className: String { "Conv2D" }
    public static var kerasArguments: [KerasArgument] { .ofConvolutions }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The channels of the result.
    public let filters: Int
    /// Height and width.
    public let kernelSize: [Int]
    /// From one window to the next, for each axis of the image.
    public let strides: [Int]
    /// Whether windows reach over the image's edge.
    public let padding: Padding
    /// What ends the layer.
    public var activation: Activation
    /// Whether there is a bias.
    public let useBias: Bool
    /// The first values of the kernel.
    public let kernelInitializer: Initializer
    /// The first values of the bias.
    public let biasInitializer: Initializer
    package let kernelRules: WeightRules
    package let biasRules: WeightRules

    /// A square kernel.
    public init(
        _ filters: Int, kernelSize: Int, strides: Int = 1, padding: Padding = .valid,
        activation: Activation = .linear, useBias: Bool = true,
        kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        self.init(
            filters, kernelSize: [kernelSize, kernelSize], strides: [strides, strides], padding: padding,
            activation: activation, useBias: useBias, kernelInitializer: kernelInitializer,
            biasInitializer: biasInitializer, kernelRegularizer: kernelRegularizer,
            biasRegularizer: biasRegularizer, kernelConstraint: kernelConstraint,
            biasConstraint: biasConstraint, name: name, trainable: trainable)
    }

    /// - Precondition: kernel size and strides are two positive numbers each: height and width.
    public init(
        _ filters: Int, kernelSize: [Int], strides: [Int] = [1, 1], padding: Padding = .valid,
        activation: Activation = .linear, useBias: Bool = true,
        kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        precondition(
            filters >= 1 && kernelSize.count == 2 && strides.count == 2
                && (kernelSize + strides).allSatisfy { $0 >= 1 },
            "Conv2D needs positive filters, kernel size and strides")
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.filters = filters
        self.kernelSize = kernelSize
        self.strides = strides
        self.padding = padding
        self.activation = activation
        self.useBias = useBias
        self.kernelInitializer = kernelInitializer
        self.biasInitializer = biasInitializer
        kernelRules = WeightRules(regularizer: kernelRegularizer, constraint: kernelConstraint)
        biasRules = WeightRules(regularizer: biasRegularizer, constraint: biasConstraint)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        filters = try config.integer("filters", atLeast: 1, atMost: Self.largestArgument)
        kernelSize = try config.integers("kernel_size", count: 2, atLeast: 1, atMost: Self.largestArgument)
        strides = try config.integers(
            "strides", count: 2, default: [1, 1], atLeast: 1, atMost: Self.largestArgument)
        padding = try config.choice("padding", default: .valid)
        activation = try Activation(reading: "activation", from: &config)
        useBias = try config.boolean("use_bias", default: true)
        kernelInitializer = try Initializer(
            reading: "kernel_initializer", from: &config, default: .glorotUniform)
        biasInitializer = try Initializer(reading: "bias_initializer", from: &config, default: .zeros)
        kernelRules = try WeightRules(of: "kernel", reading: &config)
        biasRules = try WeightRules(of: "bias", reading: &config)
    }

    public var config: ConfigDictionary {
        let arguments: ConfigDictionary = [
            "filters": .integer(filters), "kernel_size": ConfigValue(kernelSize),
            "strides": ConfigValue(strides), "padding": .string(padding.rawValue),
            "activation": .string(activation.rawValue), "use_bias": .boolean(useBias),
            "kernel_initializer": kernelInitializer.config, "bias_initializer": biasInitializer.config,
        ]
        return arguments.with(("kernel", kernelRules), ("bias", biasRules))
    }

    /// Where the kernel lies on an input of these shapes.
    package func geometry(for inputs: [Shape]) throws(ShapeError) -> WindowGeometry {
        try WindowGeometry(inputs: inputs, size: kernelSize, strides: strides, padding: padding)
    }

    public var outputActivation: Activation? { activation }

    public var withoutActivation: (any Layer)? {
        var linear = self
        linear.activation = .linear
        return linear
    }

    /// Every output element is a sum over its window, however much of that lies in the padding.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        let window = kernelSize[0].clampedTimes(kernelSize[1])
        return LayerFlops(window.clampedTimes(2).clampedTimes(inputs[input].last).clampedTimes(output.count))
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        .activated(by: activation, output: output)
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        let geometry = try geometry(for: inputs)
        // Before `weights` multiplies the window for its fans.
        try kernelShape(channels: geometry.channels).checkCount("its weight \"kernel\"")
        return [geometry.height.output, geometry.width.output, filters]
    }

    private func kernelShape(channels: Int) -> Shape { [kernelSize[0], kernelSize[1], channels, filters] }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        let window = kernelSize[0] * kernelSize[1]
        let channels = inputs[0].last
        let kernel = WeightDescription(
            name: "kernel", shape: kernelShape(channels: channels), initializer: kernelInitializer,
            fanIn: window * channels, fanOut: window * filters, rules: kernelRules)
        let bias = WeightDescription(
            name: "bias", vector: filters, initializer: biasInitializer, rules: biasRules)
        return useBias ? [kernel, bias] : [kernel]
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let geometry = WindowGeometry(
            checked: call.inputShapes, size: kernelSize, strides: strides, padding: padding)
        let (kernel, y) = (call.weights[0], call.output)
        let rows = call.samples * call.outputShape.count / filters
        for row in 0..<rows {
            for filter in 0..<filters { y[row * filters + filter] = useBias ? call.weights[1][filter] : 0 }
        }
        forEachProduct(geometry, samples: call.samples) { xIndex, kernelIndex, yIndex in
            let value = call.inputs[0][xIndex]
            for filter in 0..<filters { y[yIndex + filter] += value * kernel[kernelIndex + filter] }
        }
        applyActivation(activation, call, rows: rows, width: filters)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let geometry = WindowGeometry(
            checked: call.forward.inputShapes, size: kernelSize, strides: strides, padding: padding)
        let (x, kernel) = (call.forward.inputs[0], call.forward.weights[0])
        let rows = call.samples * call.forward.outputShape.count / filters
        withActivationGradient(activation, call, rows: rows, width: filters) { dz in
            if useBias, let dBias = call.weightGradients[1] {
                for row in 0..<rows {
                    for filter in 0..<filters { dBias[filter] += dz[row * filters + filter] }
                }
            }
            forEachProduct(geometry, samples: call.samples) { xIndex, kernelIndex, yIndex in
                if let dx = call.inputGradients[0] {
                    var sum: T = 0
                    for filter in 0..<filters { sum += dz[yIndex + filter] * kernel[kernelIndex + filter] }
                    dx[xIndex] += sum
                }
                if let dKernel = call.weightGradients[0] {
                    let value = x[xIndex]
                    for filter in 0..<filters { dKernel[kernelIndex + filter] += value * dz[yIndex + filter] }
                }
            }
        }
    }

    /// Visits every (input element, kernel position and channel, output position) that multiply, with their
    /// offsets; the last two are those of filter 0.
    @inline(__always)
    private func forEachProduct(_ geometry: WindowGeometry, samples: Int, _ body: (Int, Int, Int) -> Void) {
        let (height, width, channels) = (geometry.height, geometry.width, geometry.channels)
        for sample in 0..<samples {
            for row in 0..<height.output {
                for column in 0..<width.output {
                    let yIndex = ((sample * height.output + row) * width.output + column) * filters
                    for i in height.window(at: row) {
                        let xRow = row * height.stride - height.before + i
                        for j in width.window(at: column) {
                            let xColumn = column * width.stride - width.before + j
                            for channel in 0..<channels {
                                body(
                                    ((sample * height.input + xRow) * width.input + xColumn) * channels
                                        + channel,
                                    ((i * width.size + j) * channels + channel) * filters, yIndex)
                            }
                        }
                    }
                }
            }
        }
    }
}
