import MIOBase
import MIOConfig
import RealModule

/// y = (x − μ) / √(σ² + epsilon) · gamma + beta, with the mean μ and the variance σ² (of all elements, not one less) over
/// `axis`, for each sample and each place on its other axes.
/// <https://keras.io/api/layers/normalization_layers/layer_normalization/>, <https://arxiv.org/abs/1607.06450>
///
/// gamma and beta have the shape of the axes normalized over.
/// With g = gamma · dy and x̂ = (x − μ)/√(σ² + epsilon): dx = (g − mean(g) − x̂ · mean(g · x̂)) / √(σ² + epsilon).
public struct LayerNormalization: Layer {
    public static var className: String { "LayerNormalization" }
    public static var kerasArguments: [KerasArgument] { [.at(false, named: "rms_scaling")] }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Keras counts the batch as axis 0, which cannot be among them.
    public let axis: [Int]
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
        axis: [Int] = [-1], epsilon: Double = 0.001, center: Bool = true, scale: Bool = true,
        betaInitializer: Initializer = .zeros, gammaInitializer: Initializer = .ones,
        betaRegularizer: (any Regularizer)? = nil, gammaRegularizer: (any Regularizer)? = nil,
        betaConstraint: (any Constraint)? = nil, gammaConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        precondition(epsilon >= 0, "epsilon must not be negative")
        attributes = LayerAttributes(name: name, trainable: trainable)
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
        axis = try config.oneOrMoreIntegers("axis", default: [-1])
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
            "axis": axis.count == 1 ? .integer(axis[0]) : ConfigValue(axis), "epsilon": .real(epsilon),
            "center": .boolean(center), "scale": .boolean(scale),
            "beta_initializer": betaInitializer.config, "gamma_initializer": gammaInitializer.config,
        ]
        return arguments.with(("beta", betaRules), ("gamma", gammaRules))
    }

    /// The axes of a sample, 0-based.
    /// - Throws: `ShapeError` if one is the batch's, is none of the input's, or is there twice.
    private func sampleAxes(_ input: Shape) throws(ShapeError) -> [Int] {
        try input.sampleAxes(axis)
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank >= 1 else {
            throw ShapeError(expected: "one tensor of at least one axis", received: inputs)
        }
        _ = try sampleAxes(inputs[0])
        return inputs[0]
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        // Keras sorts the axes as they are written, negative ones first; the elements lie as those of ascending axes.
        guard (try? sampleAxes(inputs[0])) != nil else { return [] }
        let shape = Shape(axis.sorted().map { inputs[0][$0 < 0 ? inputs[0].rank + $0 : $0 - 1] })
        let gamma = WeightDescription(
            name: "gamma", shape: shape, initializer: gammaInitializer, rules: gammaRules)
        let beta = WeightDescription(
            name: "beta", shape: shape, initializer: betaInitializer, rules: betaRules)
        return (scale ? [gamma] : []) + (center ? [beta] : [])
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    /// Of each group that is normalized together: μ and 1/√(σ² + epsilon).
    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        let elements = 2 * groups(inputs[0]).count
        return LayerMemory(kept: elements, scratch: elements, backwardReadsOutput: false)
    }

    /// Elements of a row if what is normalized together lies one after another; `nil` otherwise.
    public func rowWidth(of input: Shape) -> Int? {
        let groups = groups(input)
        return groups.areRows ? groups.size : nil
    }

    /// How the elements of a sample fall into groups.
    private struct Groups {
        let count: Int
        /// Elements of a group, as many as gamma has.
        let size: Int
        /// Whether each group is a run of elements.
        let areRows: Bool
    }

    private func groups(_ input: Shape) -> Groups {
        var (size, areRows) = (1, true)
        for index in 0..<input.rank where isNormalized(index, rank: input.rank) {
            size *= input[index]
            if index + 1 < input.rank, !isNormalized(index + 1, rank: input.rank) { areRows = false }
        }
        return Groups(count: size == 0 ? 0 : input.count / size, size: size, areRows: areRows)
    }

    /// Without an array: it is asked in every step.
    @inline(__always)
    private func isNormalized(_ index: Int, rank: Int) -> Bool {
        axis.contains(index + 1) || axis.contains(index - rank)
    }

    /// Where an element of a sample belongs: its group, and its place in gamma.
    @inline(__always)
    private func place(_ element: Int, _ input: Shape, _ groups: Groups) -> (group: Int, place: Int) {
        if groups.areRows { return (element / groups.size, element % groups.size) }
        var (rest, group, place, groupStride, placeStride) = (element, 0, 0, 1, 1)
        for index in stride(from: input.rank - 1, through: 0, by: -1) {
            let coordinate = rest % input[index]
            rest /= input[index]
            if isNormalized(index, rank: input.rank) {
                place += coordinate * placeStride
                placeStride *= input[index]
            } else {
                group += coordinate * groupStride
                groupStride *= input[index]
            }
        }
        return (group, place)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let input = call.inputShapes[0]
        let groups = groups(input)
        let (gamma, beta) = (scale ? call.weights[0] : nil, center ? call.weights[scale ? 1 : 0] : nil)
        for sample in 0..<call.samples {
            let (x, y) = (call.inputs[0] + sample * input.count, call.output + sample * input.count)
            let means = call.kept + sample * 2 * groups.count
            let factors = means + groups.count
            means.update(repeating: 0, count: 2 * groups.count)
            for i in 0..<input.count { means[place(i, input, groups).group] += x[i] }
            for group in 0..<groups.count { means[group] /= T(groups.size) }
            for i in 0..<input.count {
                let group = place(i, input, groups).group
                let distance = x[i] - means[group]
                factors[group] += distance * distance
            }
            for group in 0..<groups.count {
                factors[group] = 1 / T.sqrt(factors[group] / T(groups.size) + T(epsilon))
            }
            for i in 0..<input.count {
                let (group, place) = place(i, input, groups)
                let normalized = (x[i] - means[group]) * factors[group]
                y[i] = normalized * (gamma?[place] ?? 1) + (beta?[place] ?? 0)
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let input = call.forward.inputShapes[0]
        let groups = groups(input)
        let gamma = scale ? call.forward.weights[0] : nil
        let dGamma = scale ? call.weightGradients[0] : nil
        let dBeta = center ? call.weightGradients[scale ? 1 : 0] : nil
        for sample in 0..<call.samples {
            let x = call.forward.inputs[0] + sample * input.count
            let dy = call.outputGradient + sample * input.count
            let means = call.kept + sample * 2 * groups.count
            let factors = means + groups.count
            for i in 0..<input.count {
                let (group, place) = place(i, input, groups)
                dGamma?[place] += dy[i] * (x[i] - means[group]) * factors[group]
                dBeta?[place] += dy[i]
            }
            guard let inputGradients = call.inputGradients[0] else { continue }
            let dx = inputGradients + sample * input.count
            // Σ g and Σ g · x̂ of each group.
            let sums = call.scratch + sample * 2 * groups.count
            let products = sums + groups.count
            sums.update(repeating: 0, count: 2 * groups.count)
            for i in 0..<input.count {
                let (group, place) = place(i, input, groups)
                let g = dy[i] * (gamma?[place] ?? 1)
                sums[group] += g
                products[group] += g * (x[i] - means[group]) * factors[group]
            }
            for i in 0..<input.count {
                let (group, place) = place(i, input, groups)
                let g = dy[i] * (gamma?[place] ?? 1)
                let normalized = (x[i] - means[group]) * factors[group]
                dx[i] +=
                    (g - (sums[group] + normalized * products[group]) / T(groups.size)) * factors[group]
            }
        }
    }
}
