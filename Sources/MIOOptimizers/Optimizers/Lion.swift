import CVectorLoops
import MIOBase
import MIOConfig

/// Steps of the same length for every weight, towards the sign of a running mean. With g the gradient, scaled and clipped, w
/// the weight after its decay, η the learning rate:
///
///     w −= η·sign(m·β₁ + g·(1 − β₁))
///     m = m·β₂ + g·(1 − β₂)
///
/// Slot: `momentum`.
/// Source: https://keras.io/api/optimizers/lion/; Chen and others, https://arxiv.org/abs/2302.06675
public struct Lion: Optimizer {
    public static let className = "Lion"
    public static let names = ["lion"]

    public let options: OptimizerOptions
    /// How much of the mean is in the direction; above 0, at most 1.
    public let beta1: Double
    /// How much of the mean stays at each step; from 0 up to, not including, 1.
    public let beta2: Double

    /// Keras' arguments, with its defaults.
    /// - Precondition: `beta1` is above 0 and at most 1, `beta2` in 0..<1.
    public init(
        options: OptimizerOptions = OptimizerOptions(learningRate: Constant(0.001)), beta1: Double = 0.9,
        beta2: Double = 0.99
    ) {
        precondition(
            beta1 > 0 && beta1 <= 1 && (0..<1).contains(beta2), "betas \(beta1), \(beta2)")
        self.options = options
        self.beta1 = beta1
        self.beta2 = beta2
    }

    /// The same learning rate at every step.
    /// - Precondition: the learning rate is finite and not negative; otherwise as `init(options:…)`.
    public init(
        learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double? = nil,
        clipping: GradientClipping = .none
    ) {
        self.init(
            options: OptimizerOptions(
                learningRate: Constant(learningRate), weightDecay: weightDecay, clipping: clipping),
            beta1: beta1, beta2: beta2)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        options = try OptimizerOptions(reading: &reader, defaultLearningRate: 0.001)
        beta1 = try reader.decay("beta_1", default: 0.9, upTo: 1)
        beta2 = try reader.decay("beta_2", default: 0.99)
    }

    public var config: ConfigValue {
        options.config(className: Self.className, ["beta_1": .real(beta1), "beta_2": .real(beta2)])
    }

    public var slotNames: [String] { ["momentum"] }

    public func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars {
        UpdateScalars(learningRate: learningRate, stepSize: learningRate, options: options)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars) {
        let preparation = GradientPreparation(range, scalars)
        let (weights, slots) = (range.weights, range.slots)
        let m = slots.required(slots.first, "momentum")
        let rate = T(scalars.stepSize)
        let (keep1, gain1, keep2, gain2) = (T(beta1), T(1 - beta1), T(beta2), T(1 - beta2))
        for i in 0..<range.count {
            let g = preparation.gradient(range.gradient[i])
            let direction = m[i] * keep1 + g * gain1
            // What is no number has no sign, and stays.
            let sign: T = direction > 0 ? 1 : direction < 0 ? -1 : direction
            weights[i] = preparation.decayed(weights[i]) - rate * sign
            m[i] = m[i] * keep2 + g * gain2
        }
    }

    public func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars) {
        let options = GradientPreparation(range, scalars).native
        let slots = range.slots
        mio_lion_update(
            range.count, range.weights, range.gradient, slots.required(slots.first, "momentum"), options,
            Float(scalars.stepSize), Float(beta1), Float(1 - beta1), Float(beta2), Float(1 - beta2))
    }
}
