import MIOBase
import MIOConfig
import RealModule

/// y = (x − μ) / √(σ² + epsilon) · gamma + beta, with the mean μ and the variance σ² (of all elements, not one less) of a
/// group of neighbouring channels of one sample, over all its positions.
/// <https://keras.io/api/layers/normalization_layers/group_normalization/>, <https://arxiv.org/abs/1803.08494>
///
/// gamma and beta have one number a channel, a place on `axis`. With g = gamma · dy and x̂ = (x − μ)/√(σ² + epsilon):
/// dx = (g − mean(g) − x̂ · mean(g · x̂)) / √(σ² + epsilon), means over the group.
public struct GroupNormalization: Layer {
    public static var className: String { "GroupNormalization" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Into how many groups the channels are divided; −1: each is one.
    public let groups: Int
    /// Of the channels. Keras counts the batch as axis 0, which it cannot be.
    public let axis: Int
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
    package let betaRules: WeightRules
    package let gammaRules: WeightRules

    /// Keras' arguments, with its defaults.
    public init(
        groups: Int = 32, axis: Int = -1, epsilon: Double = 0.001, center: Bool = true, scale: Bool = true,
        betaInitializer: Initializer = .zeros, gammaInitializer: Initializer = .ones,
        betaRegularizer: (any Regularizer)? = nil, gammaRegularizer: (any Regularizer)? = nil,
        betaConstraint: (any Constraint)? = nil, gammaConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        precondition(groups >= 1 || groups == -1, "groups is positive, or -1")
        precondition(epsilon >= 0, "epsilon must not be negative")
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.groups = groups
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.betaInitializer = betaInitializer
        self.gammaInitializer = gammaInitializer
        betaRules = WeightRules(regularizer: betaRegularizer, constraint: betaConstraint)
        gammaRules = WeightRules(regularizer: gammaRegularizer, constraint: gammaConstraint)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        groups = try config.integer("groups", default: 32, atLeast: -1, atMost: Self.largestArgument)
        guard groups != 0 else {
            throw config.error(
                "groups", "expected a positive integer, or -1 for each channel by itself, found 0")
        }
        axis = try config.integer("axis", default: -1)
        epsilon = try config.real("epsilon", default: 0.001, in: 0...1)
        center = try config.boolean("center", default: true)
        scale = try config.boolean("scale", default: true)
        betaInitializer = try Initializer(reading: "beta_initializer", from: &config, default: .zeros)
        gammaInitializer = try Initializer(reading: "gamma_initializer", from: &config, default: .ones)
        betaRules = try WeightRules(of: "beta", reading: &config)
        gammaRules = try WeightRules(of: "gamma", reading: &config)
    }

    public var config: ConfigDictionary {
        let arguments: ConfigDictionary = [
            "groups": .integer(groups), "axis": .integer(axis), "epsilon": .real(epsilon),
            "center": .boolean(center), "scale": .boolean(scale),
            "beta_initializer": betaInitializer.config, "gamma_initializer": gammaInitializer.config,
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
        let channels = channels(of: inputs[0])
        guard groups == -1 || channels >= groups && channels % groups == 0 else {
            throw ShapeError(
                expected: "a multiple of \(counted(groups, "channel")), the groups, on axis \(axis)",
                received: inputs)
        }
        return inputs[0]
    }

    /// 0-based, of a sample.
    private func sampleAxis(_ input: Shape) -> Int { axis < 0 ? input.rank + axis : axis - 1 }

    /// Places on the axis.
    package func channels(of input: Shape) -> Int { input[sampleAxis(input)] }

    package func groupCount(of input: Shape) -> Int { groups == -1 ? channels(of: input) : groups }

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
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    /// Of each group: μ and 1/√(σ² + epsilon).
    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        let elements = 2 * groupCount(of: inputs[0])
        return LayerMemory(kept: elements, scratch: elements, backwardReadsOutput: false)
    }

    /// Visits every element of a sample with its channel and its group.
    @inline(__always)
    private func forEachElement(
        _ input: Shape, _ body: (_ element: Int, _ channel: Int, _ group: Int) -> Void
    ) {
        let channels = channels(of: input)
        var inner = 1
        for dimension in input.dimensions[(sampleAxis(input) + 1)...] { inner *= dimension }
        let size = channels / max(groupCount(of: input), 1)
        for element in 0..<input.count {
            let channel = element / inner % channels
            body(element, channel, channel / size)
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let input = call.inputShapes[0]
        let groups = groupCount(of: input)
        let size = T(input.count / max(groups, 1))
        let (gamma, beta) = (scale ? call.weights[0] : nil, center ? call.weights[scale ? 1 : 0] : nil)
        for sample in 0..<call.samples {
            let (x, y) = (call.inputs[0] + sample * input.count, call.output + sample * input.count)
            let means = call.kept + sample * 2 * groups
            let factors = means + groups
            means.update(repeating: 0, count: 2 * groups)
            forEachElement(input) { element, _, group in means[group] += x[element] }
            for group in 0..<groups { means[group] /= size }
            forEachElement(input) { element, _, group in
                let distance = x[element] - means[group]
                factors[group] += distance * distance
            }
            for group in 0..<groups { factors[group] = 1 / T.sqrt(factors[group] / size + T(epsilon)) }
            forEachElement(input) { element, channel, group in
                let normalized = (x[element] - means[group]) * factors[group]
                y[element] = normalized * (gamma?[channel] ?? 1) + (beta?[channel] ?? 0)
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let input = call.forward.inputShapes[0]
        let groups = groupCount(of: input)
        let size = T(input.count / max(groups, 1))
        let gamma = scale ? call.forward.weights[0] : nil
        let dGamma = scale ? call.weightGradients[0] : nil
        let dBeta = center ? call.weightGradients[scale ? 1 : 0] : nil
        for sample in 0..<call.samples {
            let x = call.forward.inputs[0] + sample * input.count
            let dy = call.outputGradient + sample * input.count
            let means = call.kept + sample * 2 * groups
            let factors = means + groups
            forEachElement(input) { element, channel, group in
                dGamma?[channel] += dy[element] * (x[element] - means[group]) * factors[group]
                dBeta?[channel] += dy[element]
            }
            guard let inputGradients = call.inputGradients[0] else { continue }
            let dx = inputGradients + sample * input.count
            // Σ g and Σ g · x̂ of each group.
            let sums = call.scratch + sample * 2 * groups
            let products = sums + groups
            sums.update(repeating: 0, count: 2 * groups)
            forEachElement(input) { element, channel, group in
                let g = dy[element] * (gamma?[channel] ?? 1)
                sums[group] += g
                products[group] += g * (x[element] - means[group]) * factors[group]
            }
            forEachElement(input) { element, channel, group in
                let g = dy[element] * (gamma?[channel] ?? 1)
                let normalized = (x[element] - means[group]) * factors[group]
                dx[element] += (g - (sums[group] + normalized * products[group]) / size) * factors[group]
            }
        }
    }
}
