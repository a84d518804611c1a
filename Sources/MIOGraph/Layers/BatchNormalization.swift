import MIOBase
import MIOConfig

/// y = (x − μ) / √(σ² + epsilon) · gamma + beta, with the mean μ and the variance σ² of each place on `axis` over the whole
/// global batch and all other axes. <https://keras.io/api/layers/normalization_layers/batch_normalization/>,
/// <https://arxiv.org/abs/1502.03167>
///
/// gamma, beta, moving_mean, moving_variance (x's size on `axis`,). A training step uses the batch's statistics and moves the
/// moving ones by them, once for each call; evaluation, and a layer that is not trained, use the moving ones.
///
/// μ and σ² come from Σ x and Σ x² in double precision, over all ranks. Positions that a mask leaves out do not count in
/// them, but are normalized as well; Keras then divides by the number of positions + 1e-7.
///
/// With r = 1/√(σ² + epsilon), x̂ = (x − μ) r, N positions, A = Σ dy and B = Σ dy · x̂ over the global batch:
/// dgamma = B, dbeta = A, dx = gamma · r · (dy − A/N − x̂ · B/N).
public struct BatchNormalization: Layer {
    public static var className: String { "BatchNormalization" }
    public static var kerasArguments: [KerasArgument] {
        [
            // Ranks together do what Keras does on one device.
            .at(false, true, named: "synchronized"), .at(false, named: "renorm"),
            .at(0.99, named: "renorm_momentum"), .at(.null, named: "renorm_clipping"),
        ]
    }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Keras counts the batch as axis 0, which it cannot be.
    public let axis: Int
    /// How much of the moving statistics stays at each step.
    public let momentum: Double
    /// What is added to the variance.
    public let epsilon: Double
    /// Whether there is a beta.
    public let center: Bool
    /// Whether there is a gamma.
    public let scale: Bool
    /// The first values of beta.
    public let betaInitializer: Initializer
    /// The first values of gamma.
    public let gammaInitializer: Initializer
    /// The first moving mean.
    public let movingMeanInitializer: Initializer
    /// The first moving variance.
    public let movingVarianceInitializer: Initializer
    /// Whether a training step uses the moving statistics too (`inInference`).
    private var isInference = false
    /// What a plan has a kernel compute of the results on the way: the activation that follows. The plain methods do not.
    package private(set) var following = Activation.linear
    package let betaRules: WeightRules
    package let gammaRules: WeightRules

    /// Keras' arguments, with its defaults.
    public init(
        axis: Int = -1, momentum: Double = 0.99, epsilon: Double = 0.001, center: Bool = true,
        scale: Bool = true, betaInitializer: Initializer = .zeros, gammaInitializer: Initializer = .ones,
        movingMeanInitializer: Initializer = .zeros, movingVarianceInitializer: Initializer = .ones,
        betaRegularizer: (any Regularizer)? = nil, gammaRegularizer: (any Regularizer)? = nil,
        betaConstraint: (any Constraint)? = nil, gammaConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        precondition((0...1).contains(momentum), "a momentum lies from 0 to 1, not at \(momentum)")
        precondition(epsilon >= 0, "epsilon must not be negative")
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.betaInitializer = betaInitializer
        self.gammaInitializer = gammaInitializer
        self.movingMeanInitializer = movingMeanInitializer
        self.movingVarianceInitializer = movingVarianceInitializer
        betaRules = WeightRules(regularizer: betaRegularizer, constraint: betaConstraint)
        gammaRules = WeightRules(regularizer: gammaRegularizer, constraint: gammaConstraint)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        // Keras writes a list into some of its files.
        let axes = try config.oneOrMoreIntegers("axis", default: [-1])
        guard axes.count == 1 else { throw config.error("axis", "expected one axis, found \(axes)") }
        axis = axes[0]
        momentum = try config.real("momentum", default: 0.99, in: 0...1)
        epsilon = try config.real("epsilon", default: 0.001, in: 0...1)
        center = try config.boolean("center", default: true)
        scale = try config.boolean("scale", default: true)
        betaInitializer = try Initializer(reading: "beta_initializer", from: &config, default: .zeros)
        gammaInitializer = try Initializer(reading: "gamma_initializer", from: &config, default: .ones)
        movingMeanInitializer = try Initializer(
            reading: "moving_mean_initializer", from: &config, default: .zeros)
        movingVarianceInitializer = try Initializer(
            reading: "moving_variance_initializer", from: &config, default: .ones)
        betaRules = try WeightRules(of: "beta", reading: &config)
        gammaRules = try WeightRules(of: "gamma", reading: &config)
    }

    public var config: ConfigDictionary {
        let arguments: ConfigDictionary = [
            "axis": .integer(axis), "momentum": .real(momentum), "epsilon": .real(epsilon),
            "center": .boolean(center), "scale": .boolean(scale),
            "beta_initializer": betaInitializer.config, "gamma_initializer": gammaInitializer.config,
            "moving_mean_initializer": movingMeanInitializer.config,
            "moving_variance_initializer": movingVarianceInitializer.config,
        ]
        return arguments.with(("beta", betaRules), ("gamma", gammaRules))
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank >= 1 else {
            throw ShapeError(expected: "one tensor of at least one axis", received: inputs)
        }
        guard inputs[0].dimensions.indices.contains(sampleAxis(inputs[0])), axis != 0 else {
            throw ShapeError(
                "axis \(axis) does not fit \(inputs[0]): expected an axis of it; axis 0 is the batch, -1 the last axis"
            )
        }
        return inputs[0]
    }

    public func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {
        guard let mask = masks[0], mask.rank != inputs[0].rank - 1 else { return }
        throw ShapeError(
            "expected a mask with one axis less than its input \(inputs[0]), received one of \(mask)")
    }

    /// 0-based, of a sample.
    private func sampleAxis(_ input: Shape) -> Int { axis < 0 ? input.rank + axis : axis - 1 }

    /// Places on the axis.
    package func channels(of input: Shape) -> Int { input[sampleAxis(input)] }

    /// Whether the axis is the last one.
    package func isLastAxis(of input: Shape) -> Bool { sampleAxis(input) == input.rank - 1 }

    /// Whether the axis is the first one of a sample: that of channels first.
    package func isFirstAxis(of input: Shape) -> Bool { sampleAxis(input) == 0 }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        guard (try? outputShape(for: inputs)) != nil else { return [] }
        let shape: Shape = [channels(of: inputs[0])]
        let gamma = WeightDescription(
            name: "gamma", shape: shape, initializer: gammaInitializer, rules: gammaRules)
        let beta = WeightDescription(
            name: "beta", shape: shape, initializer: betaInitializer, rules: betaRules)
        return (scale ? [gamma] : []) + (center ? [beta] : [])
            + [
                WeightDescription(
                    name: "moving_mean", shape: shape, initializer: movingMeanInitializer, isState: true),
                WeightDescription(
                    name: "moving_variance", shape: shape, initializer: movingVarianceInitializer,
                    isState: true),
            ]
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }
    public var readsMasks: Bool { true }

    /// Nothing is kept: the statistics follow from the sums over the batch, which are there in backward too.
    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(backwardReadsOutput: false)
    }

    public func ending(in activation: Activation) -> (any Layer)? {
        var layer = self
        layer.following = activation
        return layer
    }

    // MARK: Sums

    public var inInference: any Layer {
        var layer = self
        layer.isInference = true
        return layer
    }

    /// Of each channel Σ x, then of each Σ x², then the number of positions; backward: of each Σ dy, then of each Σ dy · x̂.
    ///
    /// A mask has no last axis: along any other one it may leave out other positions of each channel, so that each has a
    /// number of positions of its own.
    public func batchSums(for inputs: [Shape]) -> BatchSums? {
        if isInference { return nil }
        let channels = channels(of: inputs[0])
        return BatchSums(
            forward: 2 * channels + (isLastAxis(of: inputs[0]) ? 1 : channels), backward: 2 * channels)
    }

    /// What a call normalizes by, for one channel.
    package struct Statistics {
        /// Of each channel.
        package let mean: Double
        /// 1/√(σ² + epsilon)
        package let factor: Double
        let variance: Double
        /// What the sums are divided by.
        package let divisor: Double
        /// ∂σ²/∂μ: not 0 where Keras adds to the divisor.
        let varianceByMean: Double
    }

    /// - Parameters:
    ///   - sums: of `addForwardSums`, over the global batch.
    ///   - isLastAxis: whether all channels have one number of positions.
    ///   - isMasked: whether positions were left out of them.
    package func statistics(
        _ sums: UnsafePointer<Double>, channel: Int, channels: Int, isLastAxis: Bool = true, isMasked: Bool
    ) -> Statistics {
        let count = sums[2 * channels + (isLastAxis ? 0 : channel)]
        let divisor = isMasked ? count + 1e-7 : count
        let (sum, squares) = (sums[channel], sums[channels + channel])
        let mean = divisor == 0 ? 0 : sum / divisor
        // Rounding alone makes it negative; what is no number stays so.
        let spread = squares - 2 * mean * sum + mean * mean * count
        let variance = divisor == 0 ? 0 : spread < 0 ? 0 : spread / divisor
        return Statistics(
            mean: mean, factor: 1 / (variance + epsilon).squareRoot(), variance: variance, divisor: divisor,
            varianceByMean: isMasked ? -2 * (sum - mean * count) / divisor : 0)
    }

    /// Of evaluation: `moving_mean` and `moving_variance`.
    package func statistics(movingMean: Double, movingVariance: Double) -> Statistics {
        Statistics(
            mean: movingMean, factor: 1 / (movingVariance + epsilon).squareRoot(), variance: movingVariance,
            divisor: 1, varianceByMean: 0)
    }

    /// The numbers by which a gradient goes through one channel: dx = dy · `gradient` + w · ((x − μ) · `distance` + `all`),
    /// where w is 1 for a position that counts in the statistics and 0 for others.
    package struct GradientFactors {
        /// Of the gradient of a value.
        package let gradient: Double
        /// Of the distance of a value to the mean.
        package let distance: Double
        /// Of all values.
        package let all: Double
    }

    /// - Parameters:
    ///   - sum: Σ dy over the global batch.
    ///   - product: Σ dy · x̂ over the global batch.
    package func gradientFactors(_ statistics: Statistics, gamma: Double, sum: Double, product: Double)
        -> GradientFactors
    {
        let gradient = gamma * statistics.factor
        let byVariance = -0.5 * gamma * product * statistics.factor * statistics.factor
        let byMean = -gradient * sum + byVariance * statistics.varianceByMean
        guard statistics.divisor > 0 else { return GradientFactors(gradient: gradient, distance: 0, all: 0) }
        return GradientFactors(
            gradient: gradient, distance: 2 * byVariance / statistics.divisor,
            all: byMean / statistics.divisor)
    }

    public func updateState(
        _ state: [UnsafeMutablePointer<Float>], inputShapes: [Shape], isMasked: Bool,
        sums: UnsafePointer<Double>
    ) {
        let channels = channels(of: inputShapes[0])
        let isLastAxis = isLastAxis(of: inputShapes[0])
        let (kept, new) = (Float(momentum), Float(1 - momentum))
        for channel in 0..<channels {
            let statistics = statistics(
                sums, channel: channel, channels: channels, isLastAxis: isLastAxis, isMasked: isMasked)
            state[0][channel] = state[0][channel] * kept + Float(statistics.mean) * new
            state[1][channel] = state[1][channel] * kept + Float(statistics.variance) * new
        }
    }

    // MARK: The plain implementation

    /// Visits every element of a call with its channel, and whether its position counts in the statistics.
    @inline(__always)
    private func forEachElement<T: Scalar>(_ call: ForwardCall<T>, _ body: (Int, Int, Bool) -> Void) {
        let shape = call.inputShapes[0]
        let mask = call.masks[0]
        let channels = channels(of: shape)
        let inner = shape.dimensions[(sampleAxis(shape) + 1)...].reduce(1, *)
        for element in 0..<call.samples * shape.count {
            body(element, element / inner % channels, mask.map { $0[element / shape.last] != 0 } ?? true)
        }
    }

    private func statistics<T: Scalar>(_ call: ForwardCall<T>) -> [Statistics] {
        let channels = channels(of: call.inputShapes[0])
        let first = (scale ? 1 : 0) + (center ? 1 : 0)
        let isLastAxis = isLastAxis(of: call.inputShapes[0])
        return (0..<channels).map { channel in
            if let sums = call.batchSums {
                return statistics(
                    sums, channel: channel, channels: channels, isLastAxis: isLastAxis,
                    isMasked: call.masks[0] != nil)
            }
            return statistics(
                movingMean: Double(call.weights[first][channel]),
                movingVariance: Double(call.weights[first + 1][channel]))
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func addForwardSums<T: Scalar>(_ call: ForwardCall<T>, to sums: UnsafeMutablePointer<Double>) {
        let channels = channels(of: call.inputShapes[0])
        // All channels of the last axis have the first one's positions.
        let counted = isLastAxis(of: call.inputShapes[0]) ? 1 : channels
        forEachElement(call) { element, channel, counts in
            guard counts else { return }
            let x = Double(call.inputs[0][element])
            sums[channel] += x
            sums[channels + channel] += x * x
            if channel < counted { sums[2 * channels + channel] += 1 }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let statistics = statistics(call)
        let (gamma, beta) = (scale ? call.weights[0] : nil, center ? call.weights[scale ? 1 : 0] : nil)
        forEachElement(call) { element, channel, _ in
            let (mean, factor) = (T(statistics[channel].mean), T(statistics[channel].factor))
            call.output[element] =
                (call.inputs[0][element] - mean) * (factor * (gamma?[channel] ?? 1)) + (beta?[channel] ?? 0)
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func addBackwardSums<T: Scalar>(_ call: BackwardCall<T>, to sums: UnsafeMutablePointer<Double>) {
        let channels = channels(of: call.forward.inputShapes[0])
        let statistics = statistics(call.forward)
        forEachElement(call.forward) { element, channel, _ in
            let dy = Double(call.outputGradient[element])
            sums[channel] += dy
            sums[channels + channel] +=
                dy * (Double(call.forward.inputs[0][element]) - statistics[channel].mean)
                * statistics[channel].factor
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let channels = channels(of: call.forward.inputShapes[0])
        let statistics = statistics(call.forward)
        let gamma = scale ? call.forward.weights[0] : nil
        let factors = (0..<channels).map { channel in
            gradientFactors(
                statistics[channel], gamma: gamma.map { Double($0[channel]) } ?? 1,
                sum: call.batchSums?[channel] ?? 0, product: call.batchSums?[channels + channel] ?? 0)
        }
        let dGamma = scale ? call.weightGradients[0] : nil
        let dBeta = center ? call.weightGradients[scale ? 1 : 0] : nil
        forEachElement(call.forward) { element, channel, counts in
            let dy = call.outputGradient[element]
            let distance = call.forward.inputs[0][element] - T(statistics[channel].mean)
            dGamma?[channel] += dy * distance * T(statistics[channel].factor)
            dBeta?[channel] += dy
            guard let dx = call.inputGradients[0] else { return }
            dx[element] += dy * T(factors[channel].gradient)
            guard counts else { return }
            dx[element] += distance * T(factors[channel].distance) + T(factors[channel].all)
        }
    }
}
