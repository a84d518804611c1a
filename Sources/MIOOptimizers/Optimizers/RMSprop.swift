import CVectorLoops
import MIOBase
import MIOConfig

/// Steps of a length that a running mean of squared gradients sets. With g the gradient, scaled and clipped, w the weight
/// after its decay, η the learning rate:
///
///     v = ρ·v + (1 − ρ)·g²
///     a = ρ·a + (1 − ρ)·g                     with `centered`
///     s = η·g ÷ √(v + ε), or with `centered` η·g ÷ √(v − a² + ε)
///     w −= s;  with momentum µ  m = µ·m + s, w −= m
///
/// Slots: `velocity`, `momentum` unless momentum is 0, `average_gradient` with `centered`.
/// Source: https://keras.io/api/optimizers/rmsprop/; Hinton,
/// http://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
public struct RMSprop: Optimizer {
    public static let className = "RMSprop"
    public static let names = ["rmsprop"]

    public let options: OptimizerOptions
    /// How much of the means stays at each step; from 0 up to, not including, 1.
    public let rho: Double
    /// From 0 to 1.
    public let momentum: Double
    /// Against division by 0; not negative.
    public let epsilon: Double
    /// Whether steps are set by the variance of the gradients, not by their mean square.
    public let centered: Bool

    /// Keras' arguments, with its defaults.
    /// - Precondition: `rho` is in 0..<1, `momentum` in 0...1, `epsilon` is not negative.
    public init(
        options: OptimizerOptions = OptimizerOptions(learningRate: Constant(0.001)), rho: Double = 0.9,
        momentum: Double = 0, epsilon: Double = 1e-7, centered: Bool = false
    ) {
        precondition(
            (0..<1).contains(rho) && (0...1).contains(momentum) && epsilon >= 0,
            "rho \(rho), momentum \(momentum), epsilon \(epsilon)")
        self.options = options
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
    }

    /// The same learning rate at every step.
    /// - Precondition: the learning rate is finite and not negative; otherwise as `init(options:…)`.
    public init(
        learningRate: Double, rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7,
        centered: Bool = false, weightDecay: Double? = nil, clipping: GradientClipping = .none
    ) {
        self.init(
            options: OptimizerOptions(
                learningRate: Constant(learningRate), weightDecay: weightDecay, clipping: clipping), rho: rho,
            momentum: momentum, epsilon: epsilon, centered: centered)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        options = try OptimizerOptions(reading: &reader, defaultLearningRate: 0.001)
        rho = try reader.decay("rho", default: 0.9)
        momentum = try reader.real("momentum", default: 0, in: 0...1)
        epsilon = try reader.finiteReal("epsilon", default: 1e-7, atLeast: 0)
        centered = try reader.boolean("centered", default: false)
    }

    public var config: ConfigValue {
        options.config(
            className: Self.className,
            [
                "rho": .real(rho), "momentum": .real(momentum), "epsilon": .real(epsilon),
                "centered": .boolean(centered),
            ])
    }

    public var slotNames: [String] {
        ["velocity"] + (momentum == 0 ? [] : ["momentum"]) + (centered ? ["average_gradient"] : [])
    }
    /// Keras makes each for all weights before the next.
    public var kerasVariables: [[String]] { slotNames.map { [$0] } }

    public func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars {
        UpdateScalars(learningRate: learningRate, stepSize: learningRate, options: options)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars) {
        let preparation = GradientPreparation(range, scalars)
        let (weights, slots) = (range.weights, range.slots)
        let v = slots.required(slots.first, "velocity")
        let m = momentum == 0 ? nil : slots.required(slots.second, "momentum")
        let mean =
            centered ? slots.required(momentum == 0 ? slots.second : slots.third, "average_gradient") : nil
        let (rate, rho, gain) = (T(scalars.stepSize), T(rho), T(1 - rho))
        let (momentum, epsilon) = (T(momentum), T(epsilon))
        for i in 0..<range.count {
            let g = preparation.gradient(range.gradient[i])
            v[i] = rho * v[i] + gain * (g * g)
            var square = v[i] + epsilon
            if let mean {
                mean[i] = rho * mean[i] + gain * g
                square = v[i] - mean[i] * mean[i] + epsilon
            }
            var step = rate * g / square.squareRoot()
            if let m {
                step = momentum * m[i] + step
                m[i] = step
            }
            weights[i] = preparation.decayed(weights[i]) - step
        }
    }

    public func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars) {
        let options = GradientPreparation(range, scalars).native
        let slots = range.slots
        mio_rmsprop_update(
            range.count, range.weights, range.gradient, slots.required(slots.first, "velocity"),
            momentum == 0 ? nil : slots.required(slots.second, "momentum"),
            centered ? slots.required(momentum == 0 ? slots.second : slots.third, "average_gradient") : nil,
            options, Float(scalars.stepSize), Float(rho), Float(1 - rho), Float(momentum), Float(epsilon))
    }
}
