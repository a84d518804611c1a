import MIOBase
import MIOConfig

/// The arguments that Keras' convolutions have, with their rules.
///
/// - `depthwise_initializer`: The first values of the kernel.
package struct ConvolutionArguments: Sendable {
    /// How a layer goes from channels to filters.
    package enum Kind: Hashable, Sendable {
        /// Each filter sees the channels of its group.
        case usual
        /// Each channel has `depthMultiplier` filters of its own.
        case depthwise
        /// From the filters of a usual convolution to its channels.
        case transposed
    }

    package let kind: Kind
    package let spatialAxes: Int
    /// The channels of the result. (0 for a depthwise convolution, where they depend on the input.)
    package var filters = 0
    /// The filters that each channel has.
    package var depthMultiplier = 1
    /// Into how many groups channels and filters are divided; the filters of one see its channels alone.
    package var groups = 1
    /// The window's size, for each spatial axis.
    package let kernelSize: [Int]
    /// From one window to the next, for each spatial axis.
    package let strides: [Int]
    /// From one element of a window to the next, for each spatial axis. Above 1 only where the strides are 1.
    package let dilationRate: [Int]
    /// How much longer the result is than the shortest that the windows fill; with null it is the input's size times the
    /// strides where padding is same.
    package var outputPadding: [Int]?
    /// Whether windows reach over the edge; causal: before the first step alone.
    package var padding: WindowPadding
    /// Whether the channels are the last axis of a sample, or the first one.
    package var dataFormat: DataFormat
    /// What ends the layer.
    package var activation: Activation
    /// Whether there is a bias.
    package let useBias: Bool
    /// The first values of the kernel.
    package let kernelInitializer: Initializer
    /// The first values of the bias.
    package let biasInitializer: Initializer
    package let kernelRules: WeightRules
    package let biasRules: WeightRules

    /// - Precondition: sizes, strides and rates are positive numbers, one for each spatial axis.
    init(
        _ kind: Kind, filters: Int = 0, depthMultiplier: Int = 1, groups: Int = 1, kernelSize: [Int],
        strides: [Int], dilationRate: [Int], outputPadding: [Int]? = nil, padding: WindowPadding,
        dataFormat: DataFormat, activation: Activation, useBias: Bool, kernelInitializer: Initializer,
        biasInitializer: Initializer, kernelRules: WeightRules, biasRules: WeightRules
    ) {
        let axes = kernelSize.count
        precondition(
            strides.count == axes && dilationRate.count == axes
                && (kernelSize + strides + dilationRate).allSatisfy { $0 >= 1 },
            "a convolution needs positive kernel sizes, strides and dilation rates, one for each axis")
        precondition(
            kind == .depthwise ? depthMultiplier >= 1 : filters >= 1, "a convolution needs positive filters")
        precondition(
            groups >= 1 && filters % groups == 0, "the filters of a convolution are a multiple of its groups")
        precondition(
            kind == .depthwise || strides.max() == 1 || dilationRate.max() == 1,
            "a convolution has strides, or a dilation rate, not both")
        precondition(
            outputPadding.map { zip($0, strides).allSatisfy { $0 >= 0 && $0 < $1 } } ?? true,
            "the output padding is less than the strides")
        self.kind = kind
        spatialAxes = axes
        self.filters = filters
        self.depthMultiplier = depthMultiplier
        self.groups = groups
        self.kernelSize = kernelSize
        self.strides = strides
        self.dilationRate = dilationRate
        self.outputPadding = outputPadding
        self.padding = padding
        self.dataFormat = dataFormat
        self.activation = activation
        self.useBias = useBias
        self.kernelInitializer = kernelInitializer
        self.biasInitializer = biasInitializer
        self.kernelRules = kernelRules
        self.biasRules = biasRules
    }

    // MARK: Configuration

    /// Reads Keras' arguments.
    /// - Parameters:
    ///   - isCausal: whether `padding` may be causal.
    init(_ kind: Kind, spatialAxes: Int, isCausal: Bool = false, from config: inout ConfigReader)
        throws(ConfigError)
    {
        self.kind = kind
        self.spatialAxes = spatialAxes
        let largest = Int(Int32.max)
        if kind != .depthwise { filters = try config.integer("filters", atLeast: 1, atMost: largest) }
        kernelSize = try config.integers("kernel_size", count: spatialAxes, atLeast: 1, atMost: largest)
        let ones = [Int](repeating: 1, count: spatialAxes)
        strides = try config.integers(
            "strides", count: spatialAxes, default: ones, atLeast: 1, atMost: largest)
        if isCausal {
            padding = WindowPadding(try config.choice("padding", default: SequencePadding.valid))
        } else {
            padding = WindowPadding(try config.choice("padding", default: Padding.valid))
        }
        if kind == .transposed {
            outputPadding = try Self.outputPadding(strides, from: &config)
        }
        if kind == .depthwise {
            depthMultiplier = try config.integer("depth_multiplier", default: 1, atLeast: 1, atMost: largest)
        }
        dataFormat = try DataFormat(from: &config)
        dilationRate = try config.integers(
            "dilation_rate", count: spatialAxes, default: ones, atLeast: 1, atMost: largest)
        if kind != .depthwise, strides.max()! > 1, dilationRate.max()! > 1 {
            throw config.error(
                "dilation_rate",
                "expected 1 where strides are above 1, found \(dilationRate) with strides \(strides); "
                    + "Keras has no convolution with both")
        }
        if kind == .usual {
            groups = try config.integer("groups", default: 1, atLeast: 1, atMost: largest)
            guard filters % groups == 0 else {
                throw config.error(
                    "groups", "expected a divisor of the \(filters) filters, found \(groups)")
            }
        }
        activation = try Activation(reading: "activation", from: &config)
        useBias = try config.boolean("use_bias", default: true)
        let kernel = kind == .depthwise ? "depthwise" : "kernel"
        kernelInitializer = try Initializer(
            reading: "\(kernel)_initializer", from: &config, default: .glorotUniform)
        biasInitializer = try Initializer(reading: "bias_initializer", from: &config, default: .zeros)
        kernelRules = try WeightRules(of: kernel, reading: &config)
        biasRules = try WeightRules(of: "bias", reading: &config)
    }

    private static func outputPadding(_ strides: [Int], from config: inout ConfigReader)
        throws(ConfigError) -> [Int]?
    {
        let key = "output_padding"
        config.describe(
            key, "an integer below the strides, or a list of \(strides.count) of them", default: .null)
        guard config.value(key) != nil else { return nil }
        let found = try config.integers(key, count: strides.count, atLeast: 0)
        guard zip(found, strides).allSatisfy({ $0 < $1 }) else {
            throw config.error(key, "expected less than the strides \(strides), found \(found)")
        }
        return found
    }

    /// In Keras' order.
    var config: ConfigDictionary {
        var config: ConfigDictionary = [:]
        switch kind {
        case .depthwise: config["depth_multiplier"] = .integer(depthMultiplier)
        case .usual, .transposed: config["filters"] = .integer(filters)
        }
        config["kernel_size"] = ConfigValue(kernelSize)
        config["strides"] = ConfigValue(strides)
        config["padding"] = .string(padding.rawValue)
        if kind == .transposed { config["output_padding"] = outputPadding.map { ConfigValue($0) } ?? .null }
        config["data_format"] = .string(dataFormat.rawValue)
        config["dilation_rate"] = ConfigValue(dilationRate)
        if kind == .usual { config["groups"] = .integer(groups) }
        config["activation"] = activation.config
        config["use_bias"] = .boolean(useBias)
        let kernel = kind == .depthwise ? "depthwise" : "kernel"
        config["\(kernel)_initializer"] = kernelInitializer.config
        config["bias_initializer"] = biasInitializer.config
        return config.with((kernel, kernelRules), ("bias", biasRules))
    }

    // MARK: Shapes

    /// The results for an input, and the convolution that computes them. Of a transposed one that has the results as its
    /// input.
    func resolved(_ view: ImageView, name: String) throws(ShapeError) -> (
        output: ImageView, convolution: ImageConvolution
    ) {
        guard kind != .transposed else { return try transposed(view, name: name) }
        let groups = kind == .depthwise ? max(view.channels, 1) : groups
        let filters = kind == .depthwise ? view.channels.clampedTimes(depthMultiplier) : filters
        guard view.channels % groups == 0 else {
            throw ShapeError(
                expected: "a number of channels that \(groups) groups divide", received: [view.sample])
        }
        let geometry = try WindowGeometry(
            view, size: kernelSize, strides: strides, dilation: dilationRate, padding: padding)
        // Before `weights` multiplies the window for its fans.
        try checkKernel(channels: view.channels)
        return (
            view.resized(height: geometry.height.output, width: geometry.width.output, channels: filters),
            ImageConvolution(
                name: name, geometry: geometry, filters: filters, groups: groups, padding: padding,
                activation: activation, useBias: useBias)
        )
    }

    private func transposed(_ view: ImageView, name: String) throws(ShapeError) -> (
        output: ImageView, convolution: ImageConvolution
    ) {
        try checkKernel(channels: view.channels)
        func size(_ input: Int, _ axis: Int) -> Int {
            let (stride, given) = (strides[axis], outputPadding?[axis])
            let reach = WindowAxis.reach(size: kernelSize[axis], dilation: dilationRate[axis])
            let steps = max(input - 1, 0).clampedTimes(stride)
            if padding == .same {
                return given.map { steps.clampedPlus(reach % 2 + $0) } ?? input.clampedTimes(stride)
            }
            return steps.clampedPlus(reach).clampedPlus(given ?? max(reach, stride) - reach)
        }
        let last = spatialAxes - 1
        let (height, width) = (last == 0 ? 1 : size(view.height, 0), size(view.width, last))
        guard height <= Shape.largestCount, width <= Shape.largestCount else {
            throw ShapeError("its result of \(height)×\(width) is larger than a tensor may be")
        }
        let output = view.resized(height: height, width: width, channels: filters)
        let geometry = try WindowGeometry(
            output, size: kernelSize, strides: strides, dilation: dilationRate, padding: padding)
        guard geometry.height.output == view.height, geometry.width.output == view.width else {
            throw ShapeError(
                "a result of \(output.sample) does not lead back to its input \(view.sample): "
                    + "take another output_padding, or none")
        }
        return (
            output,
            ImageConvolution(
                name: name, geometry: geometry, filters: view.channels, groups: 1, padding: padding,
                activation: activation, useBias: useBias)
        )
    }

    /// (the window…, channels of a group, filters); depthwise (…, channels, multiplier); transposed (…, filters, channels).
    private func kernelShape(channels: Int) -> Shape {
        switch kind {
        case .usual: Shape(kernelSize + [channels / groups, filters])
        case .depthwise: Shape(kernelSize + [channels, depthMultiplier])
        case .transposed: Shape(kernelSize + [filters, channels])
        }
    }

    /// - Throws: `ShapeError` if the kernel has more elements than a tensor may have. Calls come by here: what fits
    ///   allocates nothing.
    private func checkKernel(channels: Int) throws(ShapeError) {
        let ofAPosition = (channels / groups).clampedTimes(kind == .depthwise ? depthMultiplier : filters)
        var count = ofAPosition
        for size in kernelSize { count = count.clampedTimes(size) }
        guard count <= Shape.largestCount else {
            return try kernelShape(channels: channels).checkCount("its weight \"kernel\"")
        }
    }

    func weights(channels: Int) -> [WeightDescription] {
        let kernel = WeightDescription(
            name: "kernel", shape: kernelShape(channels: channels), initializer: kernelInitializer,
            rules: kernelRules)
        guard useBias else { return [kernel] }
        let bias = WeightDescription(
            name: "bias", vector: kind == .depthwise ? channels * depthMultiplier : filters,
            initializer: biasInitializer, rules: biasRules)
        return [kernel, bias]
    }
}
